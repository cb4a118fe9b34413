// Package orphans waits for processes that this one has inherited. Process 1 of a
// container gets every process there whose parent has ended, such as what a plugin leaves
// behind, and when it ends it stays as a zombie until process 1 waits for it.
package orphans
