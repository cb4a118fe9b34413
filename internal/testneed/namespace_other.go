//go:build !linux

package testneed

import "errors"

func tryNamespace() error { return errors.ErrUnsupported }
