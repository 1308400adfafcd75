//go:build !linux

package control

func tcpMemory() *int64 { return nil }
