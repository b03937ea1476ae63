"""What to do about an issuer that is not reached, by the fixed words of the fetcher and keeper."""

NO_KEYS = "the issuer publishes no key that can verify its tokens"
UNSAFE_KEYS = (
    "tell whoever runs the issuer to replace the private, symmetric or weak keys among those it "
    "publishes: others may be able to sign with them"
)
UNTIL_THEN = "its tokens get 503 until then"

_FETCHING = {
    "TLS handshake failed": "check the address; name the CA of a company's own with ca_file or "
    "SSL_CERT_FILE",
    "CA file: not readable": "put ca_file right: a file of certificates (PEM); a relative path "
    "starts at the settings file",
    "refused by the proxy": "check proxy, its name and password, and what it lets through",
    "address: private network": "name the issuer's network in allow_networks, if the issuer is "
    "meant to stand there",
}


def advice_on(detail: str, place: str = "address") -> str:
    """Return what to do when an issuer was not reached at a place because of this."""
    if detail.startswith("file: "):
        return "put the path right; it starts at the settings file"
    return _FETCHING.get(detail, f"check the {place} and that this host reaches it")
