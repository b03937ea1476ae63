"""Tokens of Microsoft Entra ID, as documented: docs/issuers.md names the pages."""

from gatepass.jwks.errors import TokenFault
from support.vendors.shape import AUDIENCE, SCOPES, TYPE, Vendor, Who

TENANT = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
API = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
TENANT_V1 = "https://sts.windows.net/fa15d692-e9c7-4460-a743-29f2956fd429/"
API_V1 = "ef1da9d4-ff77-4c3e-a005-840c3f830745"

ENTRA = Vendor(
    header={"typ": "JWT"},
    claims={
        "iss": TENANT,
        "aud": API,
        "aio": "opaque",
        "azp": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
        "azpacr": "0",
        "name": "Ann",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "ann@acme.example",
        "email": "Ann@acme.example",
        "groups": ["5a1c0a52-6f1e-4f8e-9d58-3d1d7d3f8f11"],
        "rh": "I",
        "scp": "openid chat",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "uti": "a",
        "ver": "2.0",
    },
    who=Who(
        "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        teams=("5a1c0a52-6f1e-4f8e-9d58-3d1d7d3f8f11",),
        scopes=SCOPES,
    ),
    also={
        "a verified address": (
            {"xms_edov": True, "groups": None},
            Who("690222be-ff1a-4d56-abd1-7e4f7d38e474", "ann@acme.example", scopes=SCOPES),
        ),
        "an address that only calls itself verified": (
            {"xms_edov": "1", "email_verified": True, "groups": None},
            Who("690222be-ff1a-4d56-abd1-7e4f7d38e474", scopes=SCOPES),
        ),
        "too many groups": (
            {"groups": None, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}},
            Who("690222be-ff1a-4d56-abd1-7e4f7d38e474", scopes=SCOPES),
        ),
        "without the profile scope": (
            {"oid": None, "groups": None},
            Who("HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", scopes=SCOPES),
        ),
        "an application for itself": (
            {"scp": None, "groups": None, "email": None, "roles": ["llm-admins"], "idtyp": "app"},
            Who("690222be-ff1a-4d56-abd1-7e4f7d38e474", roles=("llm-admins",)),
        ),
    },
    others={
        "an ID token": ({"azp": None, "azpacr": None, "scp": None, "nonce": "n"}, TYPE),
        "another version": ({"ver": "1.0"}, TYPE),
        "a version of another type": ({"ver": 2}, TYPE),
        "another API": ({"aud": "00000003-0000-0000-c000-000000000000"}, AUDIENCE),
        "another tenant": (
            {"iss": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
            TokenFault.BAD_ISSUER,
        ),
    },
    bad_headers=({"typ": None}, {"typ": "at+jwt"}),
)

ENTRA_V1 = Vendor(
    header={"typ": "JWT", "x5t": "key-RS256"},
    claims={
        "iss": TENANT_V1,
        "aud": f"api://{API_V1}",
        "acr": "1",
        "amr": ["pwd"],
        "appid": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
        "appidacr": "0",
        "email": "ann@acme.example",
        "oid": "02223b6b-aa1d-42d4-9ec0-1b2bb9194438",
        "scp": "openid chat",
        "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
        "tid": "fa15d692-e9c7-4460-a743-29f2956fd429",
        "unique_name": "ann@acme.example",
        "upn": "ann@acme.example",
        "ver": "1.0",
    },
    who=Who("02223b6b-aa1d-42d4-9ec0-1b2bb9194438", scopes=SCOPES),
    also={
        "by client id, with a verified address": (
            {"aud": API_V1, "xms_edov": True},
            Who("02223b6b-aa1d-42d4-9ec0-1b2bb9194438", "ann@acme.example", scopes=SCOPES),
        ),
    },
    others={
        "an ID token": ({"aud": API_V1, "appid": None, "scp": None, "nonce": "n"}, TYPE),
        "another version": ({"ver": "2.0"}, TYPE),
        "a slash more": ({"aud": f"api://{API_V1}/"}, AUDIENCE),
    },
    bad_headers=({"typ": None},),
)
