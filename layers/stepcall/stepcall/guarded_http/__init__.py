"""HTTP to addresses that strangers choose: only public ones, only so long, only so much.

`targets` reads a URL, `addresses` knows which addresses are public, `resolution` looks a host up once and checks it,
`transport` connects to what was checked, `exchange` speaks HTTP over it, `client` follows redirects.

Only `exchange` and `client` need urllib3: a function that uses them has the dependency group `guarded-http`. Checking a
URL at the door (`targets.parse_target`) needs the standard library and, for names in other scripts, idna.
"""
