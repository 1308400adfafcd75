package experiments

import (
	"strconv"
	"strings"

	"medusa/experiments/peers"
	"medusa/loadgen"
)

// This file is what a trial of FTP is told beside what all are told.

// ftpServerArgs are arguments of the server. What a guest may do and how many
// there may be is not what is measured.
func ftpServerArgs(v values) []string {
	if v.text("protocol") != "ftp" {
		return nil
	}
	sessions := strconv.Itoa(connections(v) + 8)
	a := []string{"--ftp-sessions", sessions, "--ftp-sessions-per-address", sessions, "--ftp-idle-timeout", idleTimeout.String()}
	if v.text("transfer") == loadgen.Store {
		a = append(a, "--ftp-guests", "write")
	}
	return a
}

// ftpLoadArgs are arguments of the load process.
func ftpLoadArgs(v values) (a []string) {
	if v.text("protocol") != "ftp" {
		return nil
	}
	for _, s := range []struct{ setting, flag string }{{"transfer", "--transfer"}, {"data_connection", "--data"}, {"mix", "--mix"}} {
		if t := v.text(s.setting); t != "" {
			a = append(a, s.flag, t)
		}
	}
	if v.has("store_bytes") {
		a = append(a, "--store-bytes", whole(v.number("store_bytes")))
	}
	return a
}

// ftpWrong is what is wrong with the settings of FTP in a cell; "" when they make
// sense.
func (v values) ftpWrong() string {
	if v.text("protocol") != "ftp" {
		for _, name := range []string{"transfer", "data_connection", "mix", "store_bytes"} {
			if v.has(name) {
				return name + " is of ftp: remove it, or set protocol: ftp"
			}
		}
		return ""
	}
	spec := loadgen.Default()
	spec.URL, spec.Closed = "ftp://127.0.0.1"+v.text("path"), true
	spec.FTP = loadgen.FTPSpec{Transfer: v.text("transfer"), Data: v.text("data_connection"), Mix: v.text("mix"), StoreBytes: int64(v.number("store_bytes"))}
	spec.Depth = max(1, int(v.number("depth")))
	if err := spec.Check(); err != nil {
		return err.Error()
	}
	if len(ftpFiles(v)) == 0 && v.text("transfer") != loadgen.Store {
		return "protocol: ftp needs path: /files/N, or with a mix /files/{bytes}"
	}
	return ""
}

// ftpFiles are the files that a trial of FTP needs, with their sizes.
func ftpFiles(v values) map[string]int {
	files := map[string]int{}
	if v.text("protocol") != "ftp" {
		return files
	}
	path := v.text("path")
	if mix := v.text("mix"); mix != "" && v.text("transfer") != loadgen.Store {
		sizes, err := loadgen.MixSizes(mix)
		if err != nil {
			return files // ftpWrong has said so
		}
		for _, n := range sizes {
			files[strings.ReplaceAll(path, "{bytes}", whole(float64(n)))] = int(n)
		}
		return files
	}
	if size, ok := peers.FileSize(path, filesPrefix); ok {
		files[path] = size
	}
	return files
}
