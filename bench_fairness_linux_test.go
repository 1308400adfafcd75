package main

import (
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"medusa/results/stats"
)

// BenchmarkFairness: how much later a thousand connections are answered while
// another client downloads one file of 1 GiB after the other. The server does
// not sleep, because a CPU that wakes up is later than what is looked for; the
// downloading client shares the generator's CPU, so it takes what has come in
// short bursts, for each of which it interrupts the generator.
func BenchmarkFairness(b *testing.B) {
	dir := site(b, 1<<30)
	for _, backend := range backendsHere() {
		b.Run("backend="+backend, func(b *testing.B) {
			wait := "poll"
			if backend == "goroutines" {
				wait = "block" // Go's poller cannot be asked all the time
			}
			t := serve(b, backend, "--http", "127.0.0.1:0", "--fixed", "--root", dir, "--backend", backend, "--wait", wait)
			var taken, lags []float64
			measure := func(downloading bool) float64 {
				var d *downloader
				if downloading {
					d = startDownload(t.at("", "/big").url)
				}
				r := load(b, t.url, "--rate", "5000", "-c", "1000", "--warmup", "200ms", "--duration", "2500ms")
				if d != nil {
					rate, err := d.end()
					if err != nil {
						b.Fatal("download: ", err)
					}
					taken = append(taken, rate)
				}
				if r.Response.P99 == nil || r.Lag.P99 == nil {
					return math.Inf(1)
				}
				lags = append(lags, *r.Lag.P99/1e3)
				return *r.Response.P99 / 1e3
			}
			for b.Loop() {
				rounds := make([][]float64, benchRounds/2)
				for i := range rounds {
					if i%2 == 0 {
						alone := measure(false)
						rounds[i] = []float64{alone, measure(true)}
					} else {
						with := measure(true)
						rounds[i] = []float64{measure(false), with}
					}
				}
				b.Logf("download: median %.2f GB/s; generator's lag p99: median %.0f us", stats.Median(taken), stats.Median(lags))
				report(b, "response p99 us", []string{"alone", "with a download"}, rounds)
				difference(b, "response p99 us", "us-more", []string{"alone", "with a download"}, rounds)
			}
		})
	}
}

// The downloading client takes burst bytes, then waits.
const (
	burst      = 128 << 10
	burstPause = 50 * time.Microsecond
)

// downloader downloads until it is told to end.
type downloader struct {
	stop  atomic.Bool
	done  chan error
	bytes int64
	from  time.Time
}

func startDownload(url string) *downloader {
	d := &downloader{done: make(chan error, 1), from: time.Now()}
	go func() {
		// The thread dies with the goroutine, and with it what is changed here.
		runtime.LockOSThread()
		d.done <- d.run(url)
	}()
	return d
}

// end returns the rate in GB/s.
func (d *downloader) end() (float64, error) {
	d.stop.Store(true)
	err := <-d.done
	return float64(d.bytes) / 1e9 / time.Since(d.from).Seconds(), err
}

func (d *downloader) run(url string) error {
	cpu, err := strconv.Atoi(loadCPU)
	if err != nil {
		return err
	}
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	// Before the generator, which does not sleep either, for each burst.
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0); err != nil {
		return fmt.Errorf("real-time priority: %w", err)
	}
	at, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	address, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	for !d.stop.Load() {
		if err := d.get(address, "/"+path); err != nil {
			return err
		}
	}
	return nil
}

// get downloads once.
func (d *downloader) get(address netip.AddrPort, path string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}); err != nil {
		return err
	}
	if _, err := unix.Write(fd, []byte("GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
		return err
	}
	buffer := make([]byte, burst)
	pause := unix.NsecToTimespec(int64(burstPause))
	for !d.stop.Load() {
		// MSG_TRUNC throws away what it takes: tcp(7).
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		switch {
		case err == nil && n == 0:
			return nil
		case err == nil:
			d.bytes += int64(n)
		case err != unix.EAGAIN && err != unix.EINTR:
			return err
		}
		_ = unix.Nanosleep(&pause, nil) // cut short by a signal: only sooner
	}
	return nil
}
