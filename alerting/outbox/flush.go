package outbox

// note has changes written by the next flush; mu is held. They are in force already: what
// is asked meanwhile does not wait for a slow disk.
func (o *Outbox) note(c *changes) {
	if !c.empty() {
		o.unwritten = append(o.unwritten, c)
	}
}

// flush writes what was noted, in that order. When it returns without error what the
// caller has noted is on disk, whoever has written it. mu must not be held.
func (o *Outbox) flush(mine *changes) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	if mine != nil && mine.written {
		return mine.err
	}
	o.mu.Lock()
	list := o.unwritten
	o.unwritten = nil
	o.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	err := o.store.write(list...)
	for _, c := range list {
		c.written, c.err = true, err
	}
	if err == nil {
		return nil
	}
	// What is in memory is told all the same, and may be told again after a restart. It is
	// written by the next flush that can.
	var all *changes
	for _, c := range list {
		all = all.then(c)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unwritten = append([]*changes{all}, o.unwritten...)
	o.complain("disk", err)
	return err
}
