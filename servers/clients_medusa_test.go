package servers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"medusa/loadgen"
)

// TestClientMedusa: this project's own load on its own FTP server: every transfer
// is whole, and what was stored is read back the same and deleted.
func TestClientMedusa(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := openFTP(t, backend)
		if err := os.WriteFile(filepath.Join(s.dir, "file"), bytes.Repeat([]byte("0123456789"), 50_000), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, spec := range []loadgen.FTPSpec{
			{}, {Data: loadgen.PASV}, {Data: loadgen.EPRT}, {Data: loadgen.PORT},
			{Transfer: loadgen.Store, StoreBytes: 200_000}, {Transfer: loadgen.Store, Mix: "1=1,100000=1", Data: loadgen.PORT}, {Transfer: loadgen.List},
		} {
			for _, each := range []bool{false, true} {
				cfg := loadgen.Config{Spec: loadgen.Default()}
				cfg.URL = "ftp://ann:pass%20word@" + s.address + "/file"
				if spec.Transfer != "" {
					cfg.URL = "ftp://" + s.address + "/"
				}
				cfg.FTP, cfg.NoKeepAlive = spec, each
				cfg.Connections, cfg.Idle, cfg.Closed = 3, 2, true
				cfg.Warmup, cfg.Duration, cfg.Timeout = 0, 50*time.Millisecond, patience
				cfg.JSON = filepath.Join(t.TempDir(), "report.json")
				what := fmt.Sprintf("%+v, a session for each: %t", spec, each)
				if err := loadgen.Run(nil, cfg, nil, new(bytes.Buffer)); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				text, err := os.ReadFile(cfg.JSON)
				if err != nil {
					t.Fatal(err)
				}
				var r loadgen.Report
				if err := json.Unmarshal(text, &r); err != nil {
					t.Fatal(err)
				}
				if r.Requests == 0 || r.Requests != r.Scheduled || r.TotalSent != r.TotalAnswered || r.IdleOpen != cfg.Idle {
					t.Errorf("%s: %d of %d transfers, failures %v, %d sent, %d answered, %d idle", what, r.Requests, r.Scheduled, r.Errors, r.TotalSent, r.TotalAnswered, r.IdleOpen)
				}
				if spec.Transfer == "" && r.BytesReceived != 500_000*r.Requests {
					t.Errorf("%s: %d bytes in %d transfers", what, r.BytesReceived, r.Requests)
				}
				if spec.Transfer == loadgen.Store && !each && (r.Stored == nil || *r.Stored != loadgen.Stored{Verified: cfg.Connections}) {
					t.Errorf("%s: read back %+v", what, r.Stored)
				}
			}
		}
	})
}
