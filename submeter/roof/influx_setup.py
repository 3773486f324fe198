"""First start of an InfluxDB 2.x: organisation, bucket, and scoped tokens handed over in files.

Only the operator token can be chosen at set-up; scoped tokens are made afterwards: one that may write and read the
bucket (collector and analytics) and one that may only read it (Grafana, web view). Runs again without harm: what is
there stays, and a token whose file is there is not made anew.
"""

from dataclasses import dataclass
from pathlib import Path

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.authorization import Authorization
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.onboarding_request import OnboardingRequest
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource
from influxdb_client.rest import ApiException
from influxdb_client.service.setup_service import SetupService
from urllib3.exceptions import HTTPError

from submeter.words import StoreAway

WRITE_TOKEN = "influx-write-token"  # noqa: S105  (names of files, no secrets)
READ_TOKEN = "influx-read-token"  # noqa: S105
SHARD_S = 26 * 7 * 86_400
"""the default of a week gives a back-filled year 52 shards, each with its files and its index"""


@dataclass(frozen=True)
class Setup:
    url: str
    organisation: str
    bucket: str
    password: str
    operator_token: str


def set_up(setup: Setup, out: Path) -> list[str]:
    """Do what is left to do; returns a sentence for each thing done. Raises :class:`StoreAway` with the reason."""
    try:
        with InfluxDBClient(setup.url, setup.operator_token, org=setup.organisation, timeout=20_000) as client:
            return [*_onboard(client, setup), *_tokens(client, setup, out)]
    except (ApiException, HTTPError, OSError) as fault:
        raise StoreAway(f"InfluxDB at {setup.url} could not be set up: {_reason(fault)}") from None


def _reason(fault: Exception) -> str:
    return f"{fault.status} {fault.message or fault.reason}" if isinstance(fault, ApiException) else str(fault)


def _onboard(client: InfluxDBClient, setup: Setup) -> list[str]:
    service = SetupService(client.api_client)
    if not service.get_setup().allowed:
        return ["was set up before"]
    service.post_setup(
        OnboardingRequest(
            username="admin",
            password=setup.password,
            org=setup.organisation,
            bucket=setup.bucket,
            token=setup.operator_token,
        )
    )
    _widen_shards(client, _bucket(client, setup))
    return [f"organisation {setup.organisation!r} and bucket {setup.bucket!r} made"]


def _widen_shards(client: InfluxDBClient, bucket: Bucket) -> None:
    """The set-up cannot say it, so it is said before the first write; everything is kept for ever."""
    kept = BucketRetentionRules(every_seconds=0, shard_group_duration_seconds=SHARD_S)
    bucket.retention_rules = [kept]
    client.buckets_api().update_bucket(bucket)


def _bucket(client: InfluxDBClient, setup: Setup) -> Bucket:
    bucket: Bucket | None = client.buckets_api().find_bucket_by_name(setup.bucket)
    if bucket is None:
        raise StoreAway(f"InfluxDB at {setup.url} has no bucket {setup.bucket!r}; was it set up for another project?")
    return bucket


def _tokens(client: InfluxDBClient, setup: Setup, out: Path) -> list[str]:
    bucket = _bucket(client, setup)
    out.mkdir(parents=True, exist_ok=True)
    done = []
    for name, actions in ((WRITE_TOKEN, ("read", "write")), (READ_TOKEN, ("read",))):
        path = out / name
        if path.is_file() and path.read_text(encoding="utf-8").strip():
            continue
        resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id)
        granted = client.authorizations_api().create_authorization(
            authorization=Authorization(
                org_id=bucket.org_id,
                permissions=[Permission(action=action, resource=resource) for action in actions],
                description=f"submeter {name}",
            )
        )
        path.touch()
        path.chmod(0o640)  # in the compose stack its readers share this group, as no other program does
        path.write_text(granted.token + "\n", encoding="utf-8")
        done.append(f"token that may {' and '.join(actions)} the bucket is in {path}")
    return done
