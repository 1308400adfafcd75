//go:build linux

package peers

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// TestMain lets the test binary stand for the process that runs a server (it
// changes all of its process), and for servers that do as they like.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "adapter":
			os.Exit(adapt(os.Args[2]))
		case "generate":
			os.Exit(generate(os.Args[2]))
		case "generator":
			os.Exit(pretendLoad(os.Args[2], os.Args[3]))
		case "server":
			os.Exit(pretend(os.Args[2], strings.Join(os.Args[3:], ":")))
		case "burn":
			burn()
			os.Exit(0)
		case "stay":
			signal.Ignore(syscall.SIGTERM)
			time.Sleep(time.Hour)
		}
	}
	// A child built with -race would sleep for a second at its end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

func adapt(config string) int {
	var cfg Config
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if err := Run(signals, cfg, os.Stdin, os.Stdout); err != nil {
		return 1
	}
	return 0
}

func generate(load string) int {
	var l Load
	if err := json.Unmarshal([]byte(load), &l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if err := Generate(signals, l, os.Stdin, os.Stdout); err != nil {
		return 1
	}
	return 0
}

// pretendLoad is a generator that behaves as its mode says: it spends CPU time
// and prints what wrk does.
func pretendLoad(mode, seconds string) int {
	switch mode {
	case "die":
		fmt.Println("unable to connect")
		return 1
	case "hang":
		time.Sleep(time.Hour)
	case "burn":
		burn()
		d, err := time.ParseDuration(seconds + "s")
		if err != nil {
			panic(err)
		}
		time.Sleep(d - burnt)
	}
	fmt.Print(wrkOutput)
	return 0
}

// burnt is the CPU time that a child spends.
const burnt = 150 * time.Millisecond

func burn() {
	for control.CPUTime() < int64(burnt) {
	}
}

// pretend is a server that behaves as its mode says.
func pretend(mode, at string) int {
	child := func(args ...string) *exec.Cmd {
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		cmd := exec.Command(self, args...)
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		return cmd
	}
	switch mode {
	case "die":
		fmt.Fprintln(os.Stderr, "cannot read the configuration")
		return 3
	case "burn":
		// One child's time is known when it has been waited for, its own from
		// its clock.
		_ = child("burn", "ended").Wait()
		burn()
	case "leave":
		// A child that outlives its parent and leaves the group.
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		middle := exec.Command("/bin/sh", "-c", "setsid "+self+" stay put & echo")
		if err := middle.Run(); err != nil {
			panic(err)
		}
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		child("stay", "put")
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		panic(err)
	}
	if mode == "mute" {
		time.Sleep(time.Hour)
	}
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/facts":
			fmt.Fprintf(w, "%v %d", control.CPUs(), control.NoFile())
		case "/die":
			os.Exit(4)
		case "/missing":
			http.NotFound(w, r)
		default:
			_, _ = io.WriteString(w, "Hello, World!")
		}
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}
