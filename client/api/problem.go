package api

// Problem is the answer to a request that was refused or failed (RFC 9457).
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
