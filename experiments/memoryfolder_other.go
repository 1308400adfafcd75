//go:build !linux

package experiments

import "os"

// memoryFolder is a folder in memory with room for so many bytes; "" for the
// system's temporary folder, as other systems have no place for that by custom.
func memoryFolder(int64) string { return "" }

// diskFolder is a folder for temporary files that is not in memory.
func diskFolder() string { return os.TempDir() }
