package durable

import (
	"errors"
	"fmt"
)

// checkFreelist wants each page to be either in use or free.
func (p *pages) checkFreelist() error {
	if p.head.freelist == noFreelist {
		return nil
	}
	b, err := p.page(p.head.freelist)
	if err != nil {
		return fmt.Errorf("free pages: %w", err)
	}
	count, at := uint64(order.Uint16(b[10:])), uint64(pageHeader)
	if count == 0xFFFF {
		count, at = order.Uint64(b[at:]), at+8
	}
	if order.Uint16(b[8:]) != flagFreelist || count > (uint64(len(b))-at)/8 {
		return errors.New("free pages: not a list of pages")
	}
	for ; count > 0; count, at = count-1, at+8 {
		id := order.Uint64(b[at:])
		if id < 2 || id >= p.head.limit || p.seen[id] {
			return fmt.Errorf("free pages: page %d is not free", id)
		}
		p.seen[id] = true
	}
	if n := uint64(len(p.seen)); n != p.head.limit {
		return fmt.Errorf("free pages: %d pages are lost", p.head.limit-n)
	}
	return nil
}
