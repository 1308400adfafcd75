package results

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// pack compresses the records of a run folder, as gzip(1) does.
func pack(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, trialsFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(b)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".gz", packed.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A run whose records were compressed is read as it was, and cannot be gone on
// with.
func TestPackedTrials(t *testing.T) {
	dir := copyFixture(t)
	plain, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	pack(t, dir)
	packed, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plain.Records, packed.Records) || len(packed.Records) == 0 {
		t.Errorf("%d records read of %d, or others", len(packed.Records), len(plain.Records))
	}
	if _, _, err := Reopen(dir); err == nil || !strings.Contains(err.Error(), "gunzip "+filepath.Join(dir, "trials.jsonl.gz")+" first") {
		t.Errorf("gone on with: %v", err)
	}

	path := filepath.Join(dir, trialsFile+".gz")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoiled := range map[string][]byte{"cut": b[:len(b)/2], "no gzip": []byte("{}\n")} {
		if err := os.WriteFile(path, spoiled, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "cannot read "+path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
