//go:build !linux

package experiments

// memoryFolder is a folder in memory with room for so many bytes; "" for the
// system's temporary folder, as other systems have no place for that by custom.
func memoryFolder(int64) string { return "" }
