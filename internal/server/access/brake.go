package access

import (
	"maps"
	"math"
	"net/netip"
	"sync"
	"time"
)

// Brake lets each address do something so often and no more. It is for concurrent use.
type Brake struct {
	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
	swept   time.Time
}

// bucket holds what an address may still do at once.
type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds the memory; those that are full again are the first to go.
const maxBuckets = 100_000

// Take takes one of what the address may do: rate a second, and burst at once. It gives
// how long to wait if there is nothing left. If either is 0 there is no bound.
func (b *Brake) Take(addr netip.Addr, rate float64, burst int) (wait time.Duration) {
	if rate <= 0 || burst <= 0 {
		return 0
	}
	now, place := time.Now(), Vicinity(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now, rate, float64(burst))
	each := b.buckets[place]
	if each == nil {
		each = &bucket{left: float64(burst), at: now}
		b.buckets[place] = each
	}
	each.left = min(each.left+rate*now.Sub(each.at).Seconds(), float64(burst))
	each.at = now
	if each.left < 1 {
		return time.Duration(math.Ceil((1 - each.left) / rate * float64(time.Second)))
	}
	each.left--
	return 0
}

// sweep forgets the addresses that have their whole burst again; mu is held.
func (b *Brake) sweep(now time.Time, rate, burst float64) {
	if b.buckets == nil {
		b.buckets = map[netip.Prefix]*bucket{}
	}
	if now.Sub(b.swept) < time.Minute && len(b.buckets) < maxBuckets {
		return
	}
	b.swept = now
	maps.DeleteFunc(b.buckets, func(_ netip.Prefix, each *bucket) bool {
		return each.left+rate*now.Sub(each.at).Seconds() >= burst
	})
	if len(b.buckets) >= maxBuckets {
		clear(b.buckets)
	}
}

// Vicinity is what one host may have of addresses: one of IPv4, and a network of 64 bits
// of IPv6.
func Vicinity(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	place, _ := addr.Prefix(bits)
	return place
}
