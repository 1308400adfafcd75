package results

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCertificate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "certificate.json")
	if _, err := ReadCertificate(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
	two := 2.0
	c := &Certificate{
		SchemaVersion: SchemaVersion, CreatedUnixNs: 1e18, Passed: true,
		Machine: Machine{OS: "linux", Kernel: "6.18", CPUs: 2, BinarySHA256: "ab"},
		Truths:  []Truth{{ID: "stall", Parts: []Part{{Name: "p98.33", Measured: 0.51, Hi: &two, Pass: true}}, Pass: true}},
	}
	if err := c.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCertificate(path)
	if err != nil || cmp.Diff(c, got) != "" {
		t.Errorf("read back: %v, %s", err, cmp.Diff(c, got))
	}
	if age := got.Age(time.Unix(1e9+7200, 0)); age != 2*time.Hour {
		t.Errorf("age %v, want 2h", age)
	}
	here := c.Machine
	if d := c.Elsewhere(here); d != nil {
		t.Errorf("elsewhere: %q, want none", d)
	}
	here.Kernel, here.BinarySHA256 = "6.19", "cd"
	if d := c.Elsewhere(here); !cmp.Equal(d, []string{"another kernel", "another medusa"}) {
		t.Errorf("elsewhere: %q", d)
	}
}

func TestCertificateOfARun(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, Manifest{SuiteYAML: []byte("x"), Certificate: &Certificate{CreatedUnixNs: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&Record{Trial: 1, ID: "00001"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	run, err := Open(dir)
	if err != nil || run.Certificate == nil || run.Certificate.CreatedUnixNs != 5 {
		t.Errorf("certificate %+v, %v", run.Certificate, err)
	}
}

// What did not come out is the instrument's, unless a floor of the machine is
// named for all of it; a floor is no pass.
func TestCame(t *testing.T) {
	t.Parallel()
	share := 0.01
	good, floor, bad := Part{Pass: true}, Part{Machine: &share}, Part{}
	for _, c := range []struct {
		parts  []Part
		pass   bool
		want   string
		failed bool
	}{
		{[]Part{good}, true, "1 of 1 truths", false},
		{[]Part{good, floor}, false, "0 of 1 truths, 1 hidden by a floor that the machine has (lag)", false},
		{[]Part{floor, bad}, false, "0 of 1 truths, 1 FAILED (lag)", true},
		{nil, false, "0 of 1 truths, 1 FAILED (lag)", true},
	} {
		cert := &Certificate{Truths: []Truth{{ID: "lag", Parts: c.parts, Pass: c.pass}}}
		if got := cert.Came(); got != c.want || cert.Failed() != c.failed {
			t.Errorf("%+v: %q, failed %v; want %q, %v", c.parts, got, cert.Failed(), c.want, c.failed)
		}
	}
}
