// Package access decides who makes a request, and what he may do. An Identity is made of three
// things: a token, which is worth the same from everywhere; the place that a request
// comes from; and the name it was sent to. A place counts only under a name that nobody
// else can own: a page of a stranger whose name leads to this host makes a browser here
// ask in his stead, from the best of places (DNS rebinding).
package access
