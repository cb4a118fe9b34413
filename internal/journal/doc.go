// Package journal keeps what happened, in order: one writer, and readers that each know
// how far they have come.
//
// An [Event] gets a number that grows by one and is never given twice. It is appended in
// the transaction of whoever keeps the states that it led to, so that after a crash both
// are there or neither is. Once the transaction is on the disk the event is published:
// readers see it and wake up. A reader keeps the number of the last event that it has
// taken in, its cursor, with what it made of the events, in one transaction of its own:
// then it takes in each event exactly once, whatever is killed in between.
//
// The newest events are in memory too, and a reader that is close never asks the disk.
// What is too old, or too much, is dropped, a little with each transaction. Whoever asks
// for events that are not there any more, were lost, or have not happened yet, gets
// [ErrBehind] and begins anew with how things are now: a hole is told of and never
// passed over.
//
// The events are in a bucket of their own in the file of another package, which opens
// it, has it checked by [Examine], and has it written anew by [Copy] and Rescue. Their keys
// are their numbers, 8 bytes; the values are sealed, about 60 bytes. Without a file
// everything is in memory. While the file cannot be written events are published
// without it, and are written by the first transaction that can be made.
package journal
