#!/bin/sh
# Installs the Debian packages the end-to-end tests use, and axe-core from npm.
#
# Needs root and apt-get; without them it only says which tests will be
# skipped. Services of the packages are not started: the tests start their own
# processes on free ports. Running it again when all is there costs nothing.
#
# Exit status: 0, but 1 when E2E_REQUIRE=all and something is missing.
set -u

packages='openssl prometheus prometheus-alertmanager prometheus-blackbox-exporter iproute2 postgresql mariadb-server redis-server rabbitmq-server python3-celery python3-redis python3-requests curl avahi-daemon avahi-utils dbus chromium nginx-light unbound dnsmasq-base squid postfix'

# have PACKAGE: are its programs in PATH? A newer Prometheus unpacked by hand
# is as good as Debian's package.
have() {
	case $1 in
	prometheus)
		command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1
		;;
	prometheus-alertmanager)
		{ command -v alertmanager >/dev/null 2>&1 || command -v prometheus-alertmanager >/dev/null 2>&1; } &&
			command -v amtool >/dev/null 2>&1
		;;
	prometheus-blackbox-exporter)
		command -v blackbox_exporter >/dev/null 2>&1 || command -v prometheus-blackbox-exporter >/dev/null 2>&1
		;;
	chromium)
		command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1
		;;
	iproute2)
		command -v ip >/dev/null 2>&1
		;;
	postgresql)
		command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
		;;
	mariadb-server)
		{ command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ]; } &&
			command -v mariadb-install-db >/dev/null 2>&1
		;;
	rabbitmq-server)
		[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && command -v epmd >/dev/null 2>&1
		;;
	avahi-daemon)
		command -v avahi-daemon >/dev/null 2>&1 || [ -x /usr/sbin/avahi-daemon ]
		;;
	nginx-light | unbound | dnsmasq-base | squid)
		command -v "${1%%-*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${1%%-*}" ]
		;;
	avahi-utils)
		command -v avahi-browse >/dev/null 2>&1 && command -v avahi-publish >/dev/null 2>&1
		;;
	dbus)
		command -v dbus-daemon >/dev/null 2>&1
		;;
	postfix)
		command -v postfix >/dev/null 2>&1 || [ -x /usr/sbin/postfix ]
		;;
	python3-celery) has_module celery ;;
	python3-redis) has_module redis ;;
	python3-requests) has_module requests ;;
	*)
		command -v "$1" >/dev/null 2>&1
		;;
	esac
}

# has_module NAME: Debian's packages are for its own Python, which another one in
# PATH may hide.
has_module() {
	python3 -c "import $1" >/dev/null 2>&1 || /usr/bin/python3 -c "import $1" >/dev/null 2>&1
}

# uses PACKAGE: what is skipped without it.
uses() {
	case $1 in
	prometheus) echo 'checks and unit tests of the shipped rules (promtool), mail tests of e2e/' ;;
	prometheus-alertmanager) echo 'checks of alertmanager.yml.example and the templates (amtool), mail tests of e2e/' ;;
	prometheus-blackbox-exporter) echo 'comparison of /probe with blackbox_exporter (TestOracle...)' ;;
	nginx-light) echo 'being behind a proxy (TestBehindNginx), probes of a real web server (e2e/peers)' ;;
	chromium) echo 'what the pages look like and do in a browser (TestBrowser...)' ;;
	unbound | dnsmasq-base | squid) echo 'probes of real name servers and proxies (e2e/peers)' ;;
	openssl) echo 'servers of old TLS, and ones that want a certificate (prober)' ;;
	iproute2) echo 'tests in a network namespace of their own (ip)' ;;
	postgresql) echo 'checks of a real PostgreSQL' ;;
	mariadb-server) echo 'checks of a real MariaDB' ;;
	redis-server) echo "checks of a real Redis, and of Celery's workers over it" ;;
	rabbitmq-server) echo "checks of a real RabbitMQ, and of Celery's workers over it" ;;
	python3-celery | python3-redis) echo "checks of Celery's workers" ;;
	python3-requests | curl) echo 'the programs of docs/registering.md' ;;
	avahi-daemon | avahi-utils | dbus) echo 'announcing to, and browsing with, a real Avahi (TestZeroconf...)' ;;
	postfix) echo 'mails to a real mail server (e2e/mail)' ;;
	*) echo 'end-to-end tests' ;;
	esac
}

find_missing() {
	missing=
	for p in $packages; do
		have "$p" || missing="$missing $p"
	done
	missing=${missing# }
}

policy=/usr/sbin/policy-rc.d
saved=
ours=no

# deny_services keeps maintainer scripts from starting daemons, until
# restore_policy puts back what was there before.
deny_services() {
	if [ -e "$policy" ] || [ -L "$policy" ]; then
		saved=$policy.before-e2e.$$
		mv "$policy" "$saved" || return 1
	fi
	ours=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
}

restore_policy() {
	[ "$ours" = yes ] || return 0
	rm -f "$policy"
	[ -z "$saved" ] || mv "$saved" "$policy"
	ours=no
	saved=
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	trap restore_policy EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	deny_services || return 1
	# shellcheck disable=SC2086 # a list of words on purpose
	if ! apt-get -qq install -y --no-install-recommends "$@" >"$log" 2>&1; then
		# The package lists are missing or too old: refresh them and try once more.
		apt-get -qq update >"$log" 2>&1 &&
			apt-get -qq install -y --no-install-recommends "$@" >>"$log" 2>&1
	fi
	status=$?
	restore_policy
	return "$status"
}

find_missing
if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		log=$(mktemp) || log=/dev/null
		echo "e2e/setup.sh: installing $missing"
		# shellcheck disable=SC2086 # a list of words on purpose
		if ! install_packages $missing; then
			echo "e2e/setup.sh: installing $missing: apt-get said:" >&2
			tail -n 20 "$log" >&2
		fi
		[ "$log" = /dev/null ] || rm -f "$log"
		hash -r
		find_missing
	else
		echo "e2e/setup.sh: cannot install packages here (needs root and apt-get)"
	fi
fi

for p in $missing; do
	echo "e2e/setup.sh: $p is missing; skipped: $(uses "$p")"
done
if ! sh "$(dirname "$0")/axe.sh"; then
	missing="$missing axe-core"
	echo "e2e/setup.sh: axe-core is missing; skipped: whether the pages are accessible (TestBrowserAccessible)"
fi
if [ -n "$missing" ] && [ "${E2E_REQUIRE:-}" = all ]; then
	echo "e2e/setup.sh: E2E_REQUIRE=all, so this is an error" >&2
	exit 1
fi
exit 0
