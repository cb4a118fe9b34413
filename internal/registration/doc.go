// Package registration turns targets into the registration API's words and back. Fields
// of the same name in JSON belong together: whoever adds one to prober.Target adds it to
// api.Registration, and nothing here.
package registration
