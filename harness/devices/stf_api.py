"""The few calls of an STF farm's REST API that borrowing a phone needs.

After the OpenAPI file of DeviceFarmer/stf (``lib/units/api/swagger/api_v1.yaml``, version 2.4.1).
The token goes into one header of each request and nowhere else: no redirect is followed, since it
would carry the token along, and no message quotes a request.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import HarnessError, InputError, NoPhoneError

CALL_TIMEOUT_S = 20.0
"""STF itself gives a phone 5 s to answer before it says 504."""
TOKEN_VARIABLE = "STF_TOKEN"  # noqa: S105 - the variable's name; STF's own examples use it
_FIELDS = (
    "serial,model,manufacturer,marketName,product,version,sdk,abi,present,ready,using,owner,usage"
)


class StfError(HarnessError):
    """The farm answered that it will not or cannot.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class StfUnreachableError(NoPhoneError):
    """The farm does not answer, so there is no phone to be had."""


class StfDevice(BaseModel):
    """A phone as the farm lists it; what it does not say is empty."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    serial: str
    model: str | None = None
    manufacturer: str | None = None
    marketName: str | None = None  # noqa: N815 - STF's spelling
    product: str | None = None
    version: str | None = None
    sdk: str | int | None = None
    abi: str | None = None
    present: bool = False
    ready: bool = False
    using: bool = False
    owner: dict[str, Any] | None = None
    usage: str | None = None

    @property
    def free(self) -> bool:
        """Whether it can be reserved now."""
        return self.present and self.ready and not self.using and self.owner is None

    @property
    def state(self) -> str:
        """``free``, or why it cannot be had."""
        if not self.present:
            return "absent"
        if self.owner is not None or self.using:
            who = "you" if self.using else (self.owner or {}).get("name") or "somebody else"
            return f"used by {who}"
        return "free" if self.ready else "not ready"


class StfApi:
    """One farm, spoken to as one user.

    Args:
        url: Address of the farm, as a browser has it.
        token: An access token of the user.

    Raises:
        InputError: The address is not one.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = base_url(url)
        self._session = requests.Session()
        if (urlsplit(self.url).hostname or "") in ("127.0.0.1", "localhost", "::1"):
            self._session.trust_env = False  # a proxy of the network cannot reach this computer

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # as `auth` and not as a header, which an entry in ~/.netrc would replace
        self._session.auth = sign

    def __repr__(self) -> str:
        return f"StfApi({self.url})"

    def devices(self) -> list[StfDevice]:
        """Return the phones that the user may use, whoever uses them now."""
        devices = self._call("GET", "/devices", query={"fields": _FIELDS}).get("devices")
        try:
            return [StfDevice.model_validate(device) for device in devices or []]
        except (ValidationError, TypeError) as error:
            raise StfError(200, f"{self.url} lists its phones in a way unknown to us") from error

    def mine(self) -> list[StfDevice]:
        """Return the phones that the user has now, by whatever way."""
        devices = self._call("GET", "/user/devices", query={"fields": _FIELDS}).get("devices")
        return [StfDevice.model_validate(device) for device in devices or []]

    def reserve(self, serial: str, idle_ms: int) -> None:
        """Take a phone.

        Args:
            serial: As the farm calls it.
            idle_ms: The farm takes it back after so long without any traffic.

        Raises:
            StfError: Status 403 where another has it, 404 where there is none.
        """
        self._call("POST", "/user/devices", body={"serial": serial, "timeout": idle_ms})

    def remote_connect(self, serial: str) -> str:
        """Return the address at which adb reaches a phone that is ours.

        Raises:
            StfError: Status 403 where it is not ours.
        """
        answer = self._call("POST", f"/user/devices/{quote(serial, safe='')}/remoteConnect")
        address = answer.get("remoteConnectUrl")
        if not isinstance(address, str) or ":" not in address:
            raise StfError(200, f"{self.url} gave no address for {serial}")
        return address

    def remote_disconnect(self, serial: str) -> None:
        """Close the address of a phone."""
        self._call("DELETE", f"/user/devices/{quote(serial, safe='')}/remoteConnect")

    def release(self, serial: str) -> None:
        """Give a phone back."""
        self._call("DELETE", f"/user/devices/{quote(serial, safe='')}")

    def add_adb_key(self, public_key: str, title: str) -> None:
        """Make an adb key known as the user's, so that phones accept it; a known one is no error.

        Args:
            public_key: Contents of ``adbkey.pub``.
            title: Under which the user finds it in the farm's settings.
        """
        self._call("POST", "/user/adbPublicKeys", body={"publickey": public_key, "title": title})

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            answer = self._session.request(
                method,
                f"{self.url}/api/v1{path}",
                params=query,
                json=body,
                timeout=CALL_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise StfUnreachableError(
                f"the farm {self.url} does not answer: {_why(error)}\n"
                "  Check the address, and whether a browser on this computer reaches it."
            ) from None  # the original holds the request, and that the token
        reply: Any = None
        with contextlib.suppress(requests.JSONDecodeError):
            reply = answer.json()
        if answer.is_redirect:
            raise InputError(
                f"the farm sends us on to {answer.headers.get('location', '')[:200]}",
                where=self.url,
                hint="Give the address where it really is: the token is not sent elsewhere.",
            )
        words = (
            reply.get("description") or reply.get("message") if isinstance(reply, dict) else None
        )
        if answer.status_code == 401:
            raise InputError(
                f"the farm does not accept the token in {TOKEN_VARIABLE}"
                + (f" ({words})" if words else ""),
                where=self.url,
                hint="Make one in STF: Settings > Keys > Access Tokens.",
            )
        if not answer.ok:
            raise StfError(answer.status_code, str(words or f"HTTP status {answer.status_code}"))
        if not isinstance(reply, dict):
            raise InputError(
                "what answers there is not an STF farm",
                where=self.url,
                hint="Give the address that a browser has, without a path.",
            )
        if reply.get("success") is False:
            raise StfError(answer.status_code, str(words or "no reason given"))
        return reply


def base_url(text: str) -> str:
    """Return a farm's address without the slash at its end.

    Raises:
        InputError: It is not one, or has a password in it.
    """
    parts = urlsplit(text)
    try:
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        good = False
    if parts.username or parts.password:
        raise InputError(
            "no user or password belongs into the farm's address",
            where="--farm",
            hint=f"Put an access token into the environment variable {TOKEN_VARIABLE}.",
        )
    if not good or parts.query or parts.fragment:
        raise InputError(
            f"{text!r} is not the address of a farm",
            where="--farm",
            hint="Write stf:https://stf.example.org",
        )
    return text.rstrip("/")


def _why(error: requests.RequestException) -> str:
    """Return the cause in a few words: requests' own text repeats the whole address."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {CALL_TIMEOUT_S:g} s"
    cause: BaseException = error
    while (inner := cause.__context__ or cause.__cause__) is not None:
        cause = inner
    return str(cause) or type(error).__name__
