"""Which IP addresses are public. Source: IANA's IPv4 and IPv6 special-purpose address registries.

Kept here as a table, because `ipaddress.is_global` differs between Python releases and calls 6to4 and NAT64 public,
through which an IPv6 address reaches any IPv4 address, private ones too.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

_IPV4 = {
    "0.0.0.0/8": "an unspecified address",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address shared behind a provider's NAT",
    "127.0.0.0/8": "a loopback address",
    "168.63.129.16/32": "a cloud metadata address",
    "169.254.0.0/16": "a link-local address, where cloud metadata is served",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "a reserved address",
    "192.0.2.0/24": "a documentation address",
    "192.88.99.0/24": "a 6to4 relay address",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "a benchmarking address",
    "198.51.100.0/24": "a documentation address",
    "203.0.113.0/24": "a documentation address",
    "224.0.0.0/4": "a multicast address",
    "255.255.255.255/32": "the broadcast address",
    "240.0.0.0/4": "a reserved address",
}
_IPV6 = {
    "::/128": "the unspecified address",
    "::1/128": "the loopback address",
    "::ffff:0:0/96": "an IPv4 address written as IPv6",
    "::/96": "an IPv4 address written as IPv6",
    "64:ff9b::/96": "a NAT64 address, which leads to an IPv4 address",
    "64:ff9b:1::/48": "a NAT64 address, which leads to an IPv4 address",
    "100::/64": "a discard-only address",
    "2001::/32": "a Teredo address, which leads to an IPv4 address",
    "2001::/23": "a reserved address",
    "2001:db8::/32": "a documentation address",
    "2002::/16": "a 6to4 address, which leads to an IPv4 address",
    "3fff::/20": "a documentation address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
}
_REFUSED_IPV4 = [(IPv4Network(network), reason) for network, reason in _IPV4.items()]
_REFUSED_IPV6 = [(IPv6Network(network), reason) for network, reason in _IPV6.items()]
_GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")


def why_not_public(address: IPAddress) -> str | None:
    """What kind of address it is, such as `a private address`; None for a public one."""
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _REFUSED_IPV4 if address in network), None)
    return _why_not_public_ipv6(address)


def _why_not_public_ipv6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "an address of one network interface"
    reason = next((reason for network, reason in _REFUSED_IPV6 if address in network), None)
    if reason is None and address not in _GLOBAL_UNICAST_IPV6:
        return "a reserved address"
    return reason
