//go:build unix

package databases

import (
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// runCheck runs a check once as a Checker does.
func runCheck(t *testing.T, run func(context.Context) error) health.Result {
	t.Helper()
	checker, err := health.New(health.Check{Name: "it", Run: run, Remote: true, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := checker.RunNow(t.Context(), "it")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := checker.Close(ctx); err != nil {
		t.Error(err)
	}
	return status.Result
}

// wantCheck compares the outcome and what was said.
func wantCheck(t *testing.T, got health.Result, outcome health.Outcome, output string) {
	t.Helper()
	if got.Outcome != outcome || got.Output != output {
		t.Errorf("got %s %q (%v)\nwant %s %q", got.Outcome, got.Output, got.Err, outcome, output)
	}
}

// open opens a database and waits until it answers.
func open(t *testing.T, p *harness.Process, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	awaitUp(t, p, func() error { return db.PingContext(t.Context()) })
	return db
}

// awaitUp waits until a server answers, as long as it runs.
func awaitUp(t *testing.T, p *harness.Process, try func() error) {
	t.Helper()
	harness.Await(t, 60*time.Second, p.Name+" answers", func() error {
		select {
		case <-p.Done:
			t.Fatalf("%s has ended: %v", p.Name, p.Err)
		default:
		}
		return try()
	})
}

// serverFolder is a folder for the data of a server, and of nobody else.
func serverFolder(t *testing.T) string {
	t.Helper()
	// Not t.TempDir: a server that runs as somebody else could not enter it.
	folder, err := os.MkdirTemp("", "health_exporter-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// startPostgres starts PostgreSQL, which refuses to run as root.
func startPostgres(t *testing.T) (*harness.Process, *sql.DB) {
	t.Helper()
	debian := func(name string) string {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		return testneed.Program(t, "postgresql", append([]string{name}, found...)...)
	}
	initdb, postgres := debian("initdb"), debian("postgres")
	folder := serverFolder(t)
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		as.Credential = credentialOf(t, "postgres", folder)
	}
	data := filepath.Join(folder, "data")
	prepare := exec.Command(initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
	prepare.Dir, prepare.SysProcAttr = folder, as
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	host, port, _ := net.SplitHostPort(testport.Reserve(t))
	cmd := exec.Command(postgres, "-D", data, "-h", host, "-p", port, "-k", folder, "-c", "fsync=off")
	cmd.Dir, cmd.SysProcAttr = folder, as
	p := harness.Start(t, "postgres", cmd)
	return p, open(t, p, "pgx", "postgres://test@"+net.JoinHostPort(host, port)+"/postgres?sslmode=disable")
}

// credentialOf is that of a user who is given the folder.
func credentialOf(t *testing.T, name, folder string) *syscall.Credential {
	t.Helper()
	u := testneed.User(t, "postgresql", name)
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// startMariaDB starts MariaDB.
func startMariaDB(t *testing.T) (*harness.Process, *sql.DB) {
	t.Helper()
	install := testneed.Program(t, "mariadb-server", "mariadb-install-db")
	mariadbd := testneed.Program(t, "mariadb-server", "mariadbd", "/usr/sbin/mariadbd")
	folder := serverFolder(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	common := []string{"--no-defaults", "--datadir=" + filepath.Join(folder, "data"), "--user=" + me.Username}
	prepare := exec.Command(install, append(common, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	address := testport.Reserve(t)
	host, port, _ := net.SplitHostPort(address)
	p := harness.Start(t, "mariadbd", exec.Command(mariadbd, append(common, "--bind-address="+host, "--port="+port,
		"--socket="+filepath.Join(folder, "socket"), "--pid-file="+filepath.Join(folder, "pid"))...))
	return p, open(t, p, "mysql", "root@tcp("+address+")/mysql")
}

// startRedis starts Redis with more options.
func startRedis(t *testing.T, options ...string) (p *harness.Process, address string) {
	t.Helper()
	redis := testneed.Program(t, "redis-server", "redis-server")
	address = testport.Reserve(t)
	host, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(redis, append([]string{"--bind", host, "--port", port, "--dir", t.TempDir(), "--save", ""}, options...)...)
	p = harness.Start(t, "redis-server", cmd)
	awaitUp(t, p, func() error { return dial(address) })
	return p, address
}

func dial(address string) error {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

// startRabbitMQ starts RabbitMQ with a daemon of its own for Erlang's names.
func startRabbitMQ(t *testing.T) (p *harness.Process, address string) {
	t.Helper()
	// The program in PATH is a wrapper that becomes another user.
	rabbit := testneed.Program(t, "rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server")
	epmd := testneed.Program(t, "erlang-base", "epmd")
	folder := serverFolder(t)
	_, names, _ := net.SplitHostPort(testport.Reserve(t))
	harness.Start(t, "epmd", exec.Command(epmd, "-port", names, "-address", "127.0.0.1"))
	address = testport.Reserve(t)
	host, port, _ := net.SplitHostPort(address)
	_, distribution, _ := net.SplitHostPort(testport.Reserve(t))
	cmd := exec.Command(rabbit)
	cmd.Dir = folder
	cmd.Env = []string{
		"PATH=" + filepath.Dir(rabbit) + ":" + os.Getenv("PATH"), "HOME=" + folder, "LANG=C.UTF-8",
		"ERL_EPMD_PORT=" + names, "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_NODENAME=" + filepath.Base(folder) + "@localhost",
		"RABBITMQ_NODE_IP_ADDRESS=" + host, "RABBITMQ_NODE_PORT=" + port, "RABBITMQ_DIST_PORT=" + distribution,
		"RABBITMQ_MNESIA_BASE=" + folder, "RABBITMQ_LOG_BASE=" + folder, "RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(folder, "none"), "RABBITMQ_CONF_ENV_FILE=" + filepath.Join(folder, "none"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(folder, "plugins"), "RABBITMQ_PID_FILE=" + filepath.Join(folder, "pid"),
	}
	p = startGroup(t, "rabbitmq-server", cmd)
	awaitUp(t, p, func() error { return dial(address) })
	return p, address
}

// startGroup starts a program that starts others, and sees to it that all of them
// end with the test.
func startGroup(t *testing.T, name string, cmd *exec.Cmd) *harness.Process {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := harness.Start(t, name, cmd)
	t.Cleanup(func() { killGroup(p) })
	return p
}

// killGroup kills a program of startGroup and all it started.
func killGroup(p *harness.Process) {
	select {
	case <-p.Done: // its number may be another's by now
	default:
		_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	}
}

// startCelery starts a worker of Celery, which is ready when its log says so.
func startCelery(t *testing.T, broker, name string) *harness.Process {
	t.Helper()
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import celery, redis").Run() == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		testneed.Program(t, "python3-celery and python3-redis", "python3 with celery and redis")
	}
	folder := t.TempDir()
	app := "from celery import Celery\nimport os\napp = Celery('tasks', broker=os.environ['BROKER'])\n"
	if err := os.WriteFile(filepath.Join(folder, "tasks.py"), []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "celery", "-A", "tasks", "worker", "--pool=solo", "--loglevel=INFO", "-n", name)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "BROKER="+broker)
	p := startGroup(t, "celery", cmd)
	harness.Await(t, 60*time.Second, "the worker is ready", func() error {
		if log := p.Log.String(); !strings.Contains(log, " ready.") {
			return os.ErrNotExist
		}
		return nil
	})
	return p
}
