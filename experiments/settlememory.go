package experiments

import (
	"context"
	"encoding/json"
	"errors"

	"medusa/control"
	"medusa/results"
)

// settleMemory has both processes give their garbage back, with all connections open
// and silent, and tell what memory is live. The server is the first: what the
// load process then does is in no figure of the server's memory. A generator of
// another program has nothing to tell.
func (t *trial) settleMemory(ctx context.Context) (err error) {
	if t.part.Settled, err = t.snapshot(ctx, settled); err != nil || t.set.has("generator") {
		return err
	}
	t.load.tell(settled)
	e, err := t.load.await(ctx, "snapshot", t.timeouts.Snapshot, t.server)
	if err != nil {
		return err
	}
	if e.Snapshot == nil {
		return errors.New("the load process's snapshot is empty")
	}
	t.rec.LoadSettled, err = recorded(e.Snapshot)
	return err
}

// recorded is a snapshot as a record has it. Both types have the same JSON:
// results imports nothing of ours.
func recorded(from *control.Snapshot) (*results.Snapshot, error) {
	b, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	s := &results.Snapshot{}
	return s, json.Unmarshal(b, s)
}
