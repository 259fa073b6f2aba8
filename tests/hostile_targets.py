"""URLs that a service must not call for a stranger, and the DNS of the one who wrote them."""

import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from types import MappingProxyType

from stepcall.guarded_http.resolution import Answers

PUBLIC = "93.184.216.34"
PUBLIC_IPV6 = "2606:2800:220:1:248:1893:25c8:1946"

DNS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "public.example.com": [PUBLIC],
        "both.example.com": [PUBLIC_IPV6, PUBLIC],
        "localhost": ["127.0.0.1", "::1"],
        "localhost.localdomain": ["127.0.0.1"],
        "ip6-localhost": ["::1"],
        "metadata.google.internal": ["169.254.169.254"],
        "instance-data.ec2.internal": ["169.254.169.254"],
        "127.0.0.1.nip.io": ["127.0.0.1"],
        "metadata": ["169.254.169.254"],
        "metadata.goog": ["169.254.169.254"],
        "localhost6": ["::1"],
        "anything.localhost": ["127.0.0.1"],
        "sandbox.localdomain": ["169.254.79.129"],
        "loopback.attacker.example": ["127.0.0.1"],
        "private10.attacker.example": ["10.0.0.5"],
        "private172.attacker.example": ["172.31.255.254"],
        "private192.attacker.example": ["192.168.1.1"],
        "cgnat.attacker.example": ["100.64.0.1"],
        "metadata.attacker.example": ["169.254.169.254"],
        "zero.attacker.example": ["0.0.0.0"],  # noqa: S104 - an answer of DNS, nothing is bound
        "loopback6.attacker.example": ["::1"],
        "ula.attacker.example": ["fd00:ec2::254"],
        "mapped.attacker.example": ["::ffff:10.0.0.1"],
        "nat64.attacker.example": ["64:ff9b::7f00:1"],
        "teredo.attacker.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
        "sixtofour.attacker.example": ["2002:7f00:1::"],
        "scoped.attacker.example": ["fe80::1%eth0"],
        "scoped-public.attacker.example": [f"{PUBLIC_IPV6}%eth0"],
        "scoped-number.attacker.example": [f"{PUBLIC_IPV6}%2"],
        "mixed.attacker.example": [PUBLIC, "127.0.0.1"],
        "mixed6.attacker.example": [PUBLIC, "fd00::1"],
        "xn--lcalhost-54a.attacker.example": ["127.0.0.1"],
        "under_score.attacker.example": ["10.0.0.5"],
    }
)

HOSTILE_TARGETS = (
    # IPv4, plain
    "http://127.0.0.1/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials/",
    "http://168.63.129.16/metadata/instance",
    "http://172.16.0.1/",
    "http://192.0.0.192/latest/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.0.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "https://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    # IPv4, spelled otherwise
    "http://2130706433/",
    "http://2852039166/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://127.0.0.01/",
    "http://10.1/",
    "http://169.16689662/",
    "http://0251.0376.0251.0376/",
    "http://025177524776/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0x7f.1/",
    "http://0X7F000001/",
    "http://18446744071545290753/",
    "http://127.0.0.1./",
    "http://127.0.0.1.0x0/",
    "http://4294967296/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127%2e0%2e0%2e1/",
    # IPv6
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::ffff:127.0.0.1%25lo]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd00:ec2::23]/v1/credentials",
    "http://[fd20:ce::254]/computeMetadata/v1/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[::1",
    "http://[::1]evil.example.com/",
    "http://::1/",
    "http://[v1.x]/",
    # names
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://LocalHost.:80/",
    "http://localhost6/",
    "http://anything.localhost/",
    "http://anything.localhost./",
    "http://localhost../",
    "http://localhost.localdomain/",
    "http://ip6-localhost/",
    "http://loc\u00adalhost/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata.google.internal./computeMetadata/v1/",
    "http://metadata/computeMetadata/v1/",
    "http://metadata.goog/computeMetadata/v1/",
    "http://instance-data.ec2.internal/",
    "http://sandbox.localdomain:9001/2018-06-01/runtime/invocation/next",
    "http://127.0.0.1.nip.io/",
    *(f"http://{name}/" for name in DNS if name.endswith(".attacker.example")),
    # what parsers read differently
    "http://user@public.example.com/",
    "http://user:secret@public.example.com/",
    "http://@public.example.com/",
    "http://:@public.example.com/",
    "http://user%40public.example.com@127.0.0.1/",
    "http://public.example.com:80@127.0.0.1/",
    "http://169.254.169.254@public.example.com/",
    "http://public.example.com@127.0.0.1/",
    "http://127.0.0.1\\@public.example.com/",
    "http://public.example.com\\.attacker.example/",
    "http://public.example.com#@127.0.0.1:80@attacker.example/\t",
    "http://public.example.com:80:80/",
    "http://public.example.com:0/",
    "http://public.example.com:65536/",
    "http://public.example.com:８０/",
    "http:///127.0.0.1/",
    "http:127.0.0.1/",
    "http://",
    "http://.public.example.com/",
    "http://public..example.com/",
    # characters
    "http://public.example.com/\r\nX-Injected: 1",
    "http://public.example.com/ HTTP/1.1\r\nHost: x",
    "http://public.example.com\r\n.attacker.example/",
    "http://public.example.com%0d%0aX-Injected:1/",
    "http://public.example.com/?a=\r\nX-Injected: 1",
    "http://public.example.com/#\r\n",
    "http://public.example.com/\r",
    "http://public.exa\tmple.com/",
    "http://public.example.com/a b",
    "http://public.example.com/\x00",
    "http://public.example.com/\x7f",
    "http://public.example.com/\u2028",
    "http://public.example.com/\ud800",
    " http://public.example.com/",
    "http://public.example.com/\n",
    "http://public.example.com%00.attacker.example/",
    # schemes
    "file:///etc/passwd",
    "ftp://public.example.com/",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "data:text/html,hello",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "ws://public.example.com/",
    "ldap://public.example.com/",
    "tftp://public.example.com/x",
    "sftp://public.example.com/",
    "blob:http://public.example.com/1",
    "view-source:http://public.example.com/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "about:blank",
    "mailto:somebody@public.example.com",
    "jar:http://public.example.com!/",
    "//public.example.com/",
    "public.example.com",
    "",
    # lengths
    f"http://{'a' * 64}.example.com/",
    f"http://{'.'.join(['abc'] * 64)}/",
    f"http://{'a' * 300}/",
    f"http://{'a.' * 4000}example.com/",
    f"http://{'.'.join(['a' * 63] * 4)}.example.com/",
    f"http://{'1' * 400}/",
    f"http://{'ü' * 254}/",
    f"http://public.example.com/{'a' * 9000}",
)


def resolve_hostile(host: str, port: int, **_options: object) -> Answers:
    """The names above, and IP addresses in every spelling that the C library takes."""
    found = DNS.get(host.removesuffix("."))
    if found is None:
        found = [_read_as_the_c_library_does(host)]
    return [_answer(text, port) for text in found]


def _read_as_the_c_library_does(host: str) -> str:
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError as exc:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from exc


def _answer(text: str, port: int) -> tuple[int, int, int, str, tuple[object, ...]]:
    """A scope is in the address's text as well as in its number, or, written `%2`, in its number only."""
    address, _, scope = text.partition("%")
    if ip_address(address).version == 4:
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
    shown = address if scope.isdigit() else text
    return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (shown, port, 0, 2 if scope else 0))
