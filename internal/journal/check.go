package journal

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Examine looks at the events of a file, which it does not change and of which it trusts
// nothing, and names what is wrong with them. Files of older programs have none.
func Examine(tx *bbolt.Tx) (faults []string) {
	b := tx.Bucket([]byte(bucketName))
	if b == nil {
		return nil
	}
	var last uint64
	_ = b.ForEach(func(key, value []byte) error {
		seq := seqOf(key)
		r, err := parse(seq, value)
		switch {
		case seq == 0:
			faults = append(faults, fmt.Sprintf("journal: %q is not the number of an event", key))
			return nil
		case err != nil:
			faults = append(faults, fmt.Sprintf("journal: event %d: %v", seq, err))
		case last > 0 && seq != last+1 && !r.afterHole:
			faults = append(faults, fmt.Sprintf("journal: events %d to %d are missing", last+1, seq-1))
		}
		last = seq
		return nil
	})
	if end := b.Sequence(); end < last || end > last && end-last < leap {
		faults = append(faults, fmt.Sprintf("journal: its last event is %d, and ought to be %d", last, b.Sequence()))
	}
	return faults
}

// Copy adds those events of one file to another, which is being written anew, that are
// sound and that it does not have.
func Copy(to, from *bbolt.Tx) error {
	source := from.Bucket([]byte(bucketName))
	if source == nil {
		return nil
	}
	b, err := to.CreateBucketIfNotExists([]byte(bucketName))
	if err != nil {
		return err
	}
	b.FillPercent = fill
	return source.ForEach(func(key, value []byte) error {
		seq := seqOf(key)
		if _, err := parse(seq, value); seq == 0 || err != nil || b.Get(key) != nil {
			return nil
		}
		return b.Put(append([]byte(nil), key...), append([]byte(nil), value...))
	})
}

// leap is by how much numbers go on after a loss: by more than could have been given.
const leap = 1 << 32

// Rescue finishes a file that is written anew, after Copy: it adds what memory has and
// notes where events are missing. Before Load nobody knows which numbers were given last,
// and they go on far beyond.
func (j *Journal) Rescue(tx *bbolt.Tx) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, err := tx.CreateBucketIfNotExists([]byte(bucketName))
	if err != nil {
		return err
	}
	b.FillPercent = fill
	for i := range j.recent {
		e := &j.recent[i]
		if err := b.Put(keyOf(e.Seq), encode(e, false)); err != nil {
			return err
		}
	}
	kept, last, err := markHoles(b)
	if err != nil {
		return err
	}
	if !j.loaded {
		return b.SetSequence(last + leap)
	}
	j.kept, j.written = kept, j.head // it goes on: what is in the file now is what there is
	return b.SetSequence(j.head)
}

// markHoles notes with each event whether one before it is missing. It returns how many
// events there are, and the number of the last.
func markHoles(b *bbolt.Bucket) (kept int, last uint64, err error) {
	var wrong []Event // those with another note than they should have
	var after []bool
	err = b.ForEach(func(key, value []byte) error {
		seq := seqOf(key)
		r, err := parse(seq, value)
		if err != nil {
			return err
		}
		if hole := last > 0 && seq != last+1; hole != r.afterHole && last > 0 {
			wrong, after = append(wrong, r.event(seq)), append(after, hole)
		}
		kept, last = kept+1, seq
		return nil
	})
	for i := range wrong {
		if err == nil {
			err = b.Put(keyOf(wrong[i].Seq), encode(&wrong[i], after[i]))
		}
	}
	return kept, last, err
}
