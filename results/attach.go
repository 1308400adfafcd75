package results

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// attach writes files into a run folder. Names are relative, with slashes.
func attach(folder string, files map[string][]byte) error {
	for _, name := range sortedKeys(files) {
		if !fs.ValidPath(name) {
			return fmt.Errorf("%q cannot name a file in a run folder", name)
		}
		dir := filepath.Join(folder, filepath.FromSlash(filepath.Dir(name)))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("cannot keep %s: %w", name, err)
		}
		if err := replaceFile(dir, filepath.Base(name), files[name]); err != nil {
			return err
		}
	}
	return nil
}
