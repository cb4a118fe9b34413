package page

import "io"

// Problem is the page in place of one that cannot be shown, or of what a button could
// not do.
type Problem struct {
	Frame
	Status int    `json:"status"`
	What   string `json:"title"`
	Detail string `json:"detail"`
}

// Write renders the problem as HTML.
func (p *Problem) Write(w io.Writer) error { return render(w, "problem.html", p) }
