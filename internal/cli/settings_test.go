package cli

import (
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/envinfo"
)

func TestSettings(t *testing.T) {
	k := kingpin.New("x", "")
	k.DefaultEnvars()
	for _, name := range []string{"a", "b", "c", "d"} {
		k.Flag(name, "").Default("0").String()
	}
	k.Flag("e", "").Bool()
	k.Flag("f", "").Short('f').String()
	t.Setenv("X_B", "2")
	args := []string{"--a=1", "--no-e", "-f", "6"}
	k.GetFlag("c").Default("3")
	if _, err := k.Parse(args); err != nil {
		t.Fatal(err)
	}
	want := []envinfo.Setting{
		{Key: "a", Value: "1", Origin: "flag"},
		{Key: "b", Value: "2", Origin: "env"},
		{Key: "c", Value: "3", Origin: "file"},
		{Key: "d", Value: "0", Origin: "default"},
		{Key: "e", Value: "false", Origin: "flag"},
		{Key: "f", Value: "6", Origin: "flag"},
	}
	if diff := cmp.Diff(want, Settings(k, Origins(k, args, map[string]string{"c": "3"}))); diff != "" {
		t.Error(diff)
	}
}
