package mail

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// postfix is a mail server that takes mails for example.org and localhost, and whose
// mailbox full@ is full; over slow@ it thinks for 15 s.
type postfix struct {
	port  int
	inbox string // a Maildir with all that was taken
}

const mainCF = `
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
    check_recipient_access inline:{ { full@example.org = 452 4.2.2 mailbox full }, { slow@example.org = sleep 15 } }
    permit
virtual_mailbox_domains = example.org, localhost
virtual_mailbox_base = %[1]s
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = 1
virtual_uid_maps = static:%[2]d
virtual_gid_maps = static:%[3]d
maillog_file =
smtpd_peername_lookup = no
`

const masterCF = `
127.0.0.1:%d inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
error     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
`

func startPostfix(t *testing.T) *postfix {
	t.Helper()
	testneed.Linux(t, "Postfix of Debian")
	program := testneed.Program(t, "postfix", "postfix", "/usr/sbin/postfix")
	owner := testneed.User(t, "postfix", "postfix")
	dir := t.TempDir()
	for at := dir; at != "/" && at != os.TempDir(); at = filepath.Dir(at) { // for those who are not root
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	uid, gid := number(t, owner.Uid), number(t, owner.Gid)
	for _, name := range []string{"conf", "queue", "data", "inbox"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"data", "inbox"} {
		if err := os.Chown(filepath.Join(dir, name), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	p := &postfix{inbox: filepath.Join(dir, "inbox", "new")}
	address := testport.Reserve(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p.port = number(t, port)
	conf := filepath.Join(dir, "conf")
	for name, text := range map[string]string{"main.cf": fmt.Sprintf(mainCF, dir, uid, gid), "master.cf": fmt.Sprintf(masterCF, p.port)} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "-c", conf, "check").CombinedOutput(); err != nil { // it makes the queues
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	harness.StartServer(t, address, testneed.Program(t, "postfix", "/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master"), "-c", conf, "-d")
	return p
}

// taken are the mails to somebody that were delivered.
func (p *postfix) taken(t *testing.T, to string) (mails []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.inbox, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), "Delivered-To: "+to+"\n") {
			mails = append(mails, string(text))
		}
	}
	return mails
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
