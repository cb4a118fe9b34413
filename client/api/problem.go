package api

// Problem is an answer that says no, or what went wrong (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	// Errors are the faults of single fields.
	Errors []Fault `json:"errors,omitempty"`
}

// Fault is what is wrong with one field.
type Fault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}
