package registry

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// schema is the version of the layout on disk. In every version, whatever else
// changes, the bucket "meta" has it as the key "schema".
//
//	1  as of the beginning
//	2  with a journal beside; the states have fewer transitions
const schema = 2

// The buckets and the keys of "meta".
const (
	bucketMeta    = "meta"
	bucketTargets = "targets" // source NUL app → JSON
	bucketPauses  = "pauses"  // app → JSON
	bucketStates  = "states"  // app → see encodeSaved

	// These need not be there: files of older programs lack them.
	bucketTombstones = "tombstones" // app → JSON
	bucketRenewals   = "renewals"   // app → JSON

	metaSchema       = "schema"
	metaInstallation = "installation"
	metaCounts       = "counts"
)

// buckets are all of ours.
func buckets() []string {
	return []string{bucketMeta, bucketTargets, bucketPauses, bucketStates, bucketTombstones, bucketRenewals}
}

// contents is all that a file holds.
type contents struct {
	version      int // of the layout; 0 if it is not known
	installation string
	targets      map[key]*prober.Target
	pauses       map[string]bool
	states       map[string]*schedule.Saved
	tombstones   map[string]*Tombstone
	renewals     map[string]time.Time // of leases, by app
}

// counts says how many records there ought to be, so that a lost one is noticed.
type counts struct {
	Targets int `json:"targets"`
	Pauses  int `json:"pauses"`
	States  int `json:"states"`

	Tombstones int `json:"tombstones,omitempty"`
	Renewals   int `json:"renewals,omitempty"`
}

func newContents(installation string) *contents {
	return &contents{
		installation: installation,
		targets:      map[key]*prober.Target{},
		pauses:       map[string]bool{},
		states:       map[string]*schedule.Saved{},
		tombstones:   map[string]*Tombstone{},
		renewals:     map[string]time.Time{},
	}
}

func (c *contents) counts() counts {
	return counts{len(c.targets), len(c.pauses), len(c.states), len(c.tombstones), len(c.renewals)}
}

// add takes over from other what c lacks.
func (c *contents) add(other *contents) {
	mine := *c
	*c = *newContents(mine.installation)
	if c.installation == "" {
		c.installation = other.installation
	}
	for _, from := range []*contents{other, &mine} {
		maps.Copy(c.targets, from.targets)
		maps.Copy(c.pauses, from.pauses)
		maps.Copy(c.states, from.states)
		maps.Copy(c.tombstones, from.tombstones)
		maps.Copy(c.renewals, from.renewals)
	}
}

// newerError says that a newer program has written the file.
type newerError struct{ version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("its layout is version %d, this program knows up to %d: run the newer health_exporter, or choose another --storage.path", e.version, schema)
}

// readContents reads everything. Records that are damaged or missing are left
// out and named in faults.
func readContents(tx *bolt.Tx) (c *contents, faults []string, err error) {
	c = newContents("")
	var want counts
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	err = readMeta(tx, c, &want, fault)
	if err != nil {
		return nil, nil, err
	}
	eachRecord(tx, bucketTargets, fault, func(name string, body []byte) error {
		source, app, _ := strings.Cut(name, "\x00")
		k := key{prober.Source(source), app}
		t, err := decodeTarget(k, body)
		if err == nil {
			c.targets[k] = t
		}
		return err
	})
	eachRecord(tx, bucketPauses, fault, func(app string, body []byte) error {
		paused, err := decodePause(body)
		if err == nil {
			c.pauses[app] = paused
		}
		return err
	})
	eachRecord(tx, bucketStates, fault, func(app string, body []byte) error {
		s, err := decodeSaved(body)
		if err == nil {
			c.states[app] = s
		}
		return err
	})
	eachRecord(tx, bucketTombstones, fault, func(app string, body []byte) error {
		t, err := decodeTombstone(app, body)
		if err == nil {
			c.tombstones[app] = t
		}
		return err
	})
	eachRecord(tx, bucketRenewals, fault, func(app string, body []byte) error {
		at, err := decodeRenewal(body)
		if err == nil {
			c.renewals[app] = at
		}
		return err
	})
	if got := c.counts(); len(faults) == 0 && got != want {
		fault("it has %+v records, and ought to have %+v", got, want)
	}
	return c, faults, nil
}

func readMeta(tx *bolt.Tx, c *contents, want *counts, fault func(string, ...any)) error {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		return &durable.DamageError{What: fmt.Sprintf("it has no bucket %q", bucketMeta)}
	}
	if err := getJSON(meta, metaSchema, &c.version); err != nil {
		fault("meta: %v", err)
	} else if c.version > schema {
		return &newerError{c.version}
	}
	if err := getJSON(meta, metaInstallation, &c.installation); err != nil {
		fault("meta: %v", err)
	}
	if err := getJSON(meta, metaCounts, want); err != nil {
		fault("meta: %v", err)
	}
	return nil
}

func eachRecord(tx *bolt.Tx, bucket string, fault func(string, ...any), read func(name string, body []byte) error) {
	b := tx.Bucket([]byte(bucket))
	switch {
	case b == nil && (bucket == bucketTombstones || bucket == bucketRenewals):
		return // the counts report whether it ought to be there
	case b == nil:
		fault("it has no bucket %q", bucket)
		return
	}
	_ = b.ForEach(func(k, v []byte) error {
		name := string(k)
		body, err := durable.Unseal(place(bucket, name), v)
		if err == nil {
			err = read(name, body)
		}
		if err != nil {
			fault("%s %q: %v", bucket, strings.ReplaceAll(name, "\x00", " "), err)
		}
		return nil
	})
}

func getJSON(b *bolt.Bucket, name string, into any) error {
	body, err := durable.Unseal(place(bucketMeta, name), b.Get([]byte(name)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return json.Unmarshal(body, into)
}

// writeContents fills an empty file, in sorted order, which is many times faster:
// bbolt then never makes room within a page.
func writeContents(tx *bolt.Tx, c *contents) error {
	for _, name := range buckets() {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		b.FillPercent = 0.9 // half-empty pages are for what grows; this is complete
	}
	w := writer{tx: tx}
	for _, k := range slices.SortedFunc(maps.Keys(c.targets), compareKeys) {
		w.target(k, c.targets[k])
	}
	for _, app := range slices.Sorted(maps.Keys(c.pauses)) {
		w.pause(app, new(c.pauses[app]))
	}
	for _, app := range slices.Sorted(maps.Keys(c.states)) {
		w.state(app, c.states[app])
	}
	for _, app := range slices.Sorted(maps.Keys(c.tombstones)) {
		w.tombstone(app, c.tombstones[app])
	}
	for _, app := range slices.Sorted(maps.Keys(c.renewals)) {
		w.renewal(app, c.renewals[app])
	}
	w.json(metaSchema, schema)
	w.json(metaInstallation, c.installation)
	w.json(metaCounts, w.counts)
	return w.err
}

// writer puts records and counts them. After an error it does nothing more.
type writer struct {
	tx     *bolt.Tx
	counts counts
	err    error
}

func (w *writer) target(k key, t *prober.Target) {
	var body []byte
	if t != nil && w.err == nil {
		body, w.err = encodeTarget(t)
	}
	w.put(bucketTargets, string(k.source)+"\x00"+k.app, body, &w.counts.Targets)
	if t == nil || t.TTL <= 0 {
		w.put(bucketRenewals, k.app, nil, &w.counts.Renewals)
	}
}

func (w *writer) tombstone(app string, t *Tombstone) {
	var body []byte
	if t != nil && w.err == nil {
		body, w.err = json.Marshal(t)
	}
	w.put(bucketTombstones, app, body, &w.counts.Tombstones)
}

func (w *writer) renewal(app string, at time.Time) {
	body, err := json.Marshal(renewal{at.UTC().Round(0)})
	if w.err == nil {
		w.err = err
	}
	w.put(bucketRenewals, app, body, &w.counts.Renewals)
}

func (w *writer) pause(app string, paused *bool) {
	var body []byte
	if paused != nil {
		body = encodePause(*paused)
	}
	w.put(bucketPauses, app, body, &w.counts.Pauses)
}

func (w *writer) state(app string, s *schedule.Saved) {
	var body []byte
	if s != nil {
		body = encodeSaved(s)
	}
	w.put(bucketStates, app, body, &w.counts.States)
}

func (w *writer) json(name string, v any) {
	body, err := json.Marshal(v)
	if w.err == nil {
		w.err = err
	}
	var ignored int
	w.put(bucketMeta, name, body, &ignored)
}

// put stores a record, or removes it if the body is nil.
func (w *writer) put(bucket, name string, body []byte, count *int) {
	if w.err != nil {
		return
	}
	b := w.tx.Bucket([]byte(bucket))
	if b == nil && body == nil {
		return
	}
	if b == nil { // the file of an older program
		if b, w.err = w.tx.CreateBucket([]byte(bucket)); w.err != nil {
			return
		}
	}
	had := b.Get([]byte(name)) != nil
	switch {
	case body != nil:
		w.err = b.Put([]byte(name), durable.Seal(place(bucket, name), body))
		if !had {
			*count++
		}
	case had:
		w.err = b.Delete([]byte(name))
		*count--
	}
}
