"""Which addresses are public."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.guarded_http.addresses import why_not_public

SPECIAL_NETWORKS = {
    "0.0.0.0/8": "an unspecified address",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address shared behind a provider's NAT",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address, where cloud metadata is served",
    "172.16.0.0/12": "a private address",
    "192.0.2.0/24": "a documentation address",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "a benchmarking address",
    "224.0.0.0/4": "a multicast address",
    "255.255.255.255/32": "the broadcast address",
    "::1/128": "the loopback address",
    "::ffff:0:0/96": "an IPv4 address written as IPv6",
    "64:ff9b::/96": "a NAT64 address, which leads to an IPv4 address",
    "2001::/32": "a Teredo address, which leads to an IPv4 address",
    "2002::/16": "a 6to4 address, which leads to an IPv4 address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
    "4000::/3": "a reserved address",
}


@pytest.mark.parametrize(("network", "reason"), SPECIAL_NETWORKS.items())
def test_both_ends_of_a_special_network_are_refused_by_name(network: str, reason: str) -> None:
    addresses = ip_network(network)
    assert why_not_public(addresses[0]) == reason
    assert why_not_public(addresses[-1]) == reason


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::",
        "2001:4860:4860::8888",
        "2003::1",
        "3ffe:ffff::1",
    ],
)
def test_the_neighbours_of_special_networks_are_public(address: str) -> None:
    assert why_not_public(ip_address(address)) is None


def test_a_public_address_on_one_interface_is_refused() -> None:
    assert why_not_public(IPv6Address("2001:4860:4860::8888%eth0")) == "an address of one network interface"


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_is_called_public_that_python_calls_otherwise(address: IPv4Address) -> None:
    assert why_not_public(address) or (address.is_global and not address.is_multicast)


@given(st.one_of(st.integers(0, 2**128 - 1), st.integers(2**125, 2**126 - 1)).map(IPv6Address))
def test_no_ipv6_address_is_called_public_that_python_calls_otherwise(address: IPv6Address) -> None:
    assert why_not_public(address) or (address.is_global and not address.is_multicast)
