"""Configuration of a service: compose, TOML, INI, YAML, environment files, nginx."""

from tasks.kit import GONE, Commit, Task, becomes, call, number, parses, says, sets

FIRST = {
    "README.md": "# beacon\n\nHow the status page is deployed. Nothing here is code.\n\n"
    "Settings of the application are in `config/app.toml`, of its log in `config/logging.ini`.\n",
    "compose.yaml": """services:
  web:
    image: beacon/web:3.8
    ports: ["8443:443"]
    depends_on: [api]
  api:
    image: beacon/api:3.8
    environment:
      DATABASE_URL: postgres://beacon@db/beacon
    mem_limit: 768m
  worker:
    image: beacon/api:3.8
    command: python -m beacon.worker --queues checks,mails
  db:
    image: postgres:16.3
    volumes: ["data:/var/lib/postgresql/data"]
  cache:
    image: valkey/valkey:7.2
volumes:
  data:
""",
    "config/app.toml": """name = "beacon"
language = "en"

[checks]
interval_s = 45
timeout_s = 8
regions = ["fra", "iad", "sin"]

[mail]
enabled = true
from = "status@example.org"
max_per_hour = 20

[features]
dark_mode = false
badges = true
maps = false
""",
    "config/logging.ini": """[loggers]
keys = root

[handler_file]
class = RotatingFileHandler
level = WARNING
path = /var/log/beacon.log
backups = 6

[handler_console]
class = StreamHandler
level = DEBUG
""",
    "config/limits.json": """{
  "anonymous": { "requests_per_minute": 30, "burst": 10 },
  "registered": { "requests_per_minute": 240, "burst": 60 },
  "internal": { "requests_per_minute": 5000, "burst": 1000 }
}
""",
    "nginx/site.conf": """server {
    listen 443 ssl;
    server_name status.example.org;
    ssl_certificate     /etc/ssl/beacon/fullchain.pem;
    ssl_certificate_key /etc/ssl/beacon/key.pem;
    client_max_body_size 2m;

    location /api/ {
        proxy_pass http://api:9100;
        proxy_read_timeout 35s;
    }

    location / {
        root /srv/web;
        expires 6h;
    }
}
""",
    ".env.example": "SECRET_KEY=change-me\nDATABASE_PASSWORD=\nSENTRY_DSN=\nADMIN_MAIL=admin@example.org\n",
    "deploy/hosts.ini": """[production]
alpha = 10.0.4.11
bravo = 10.0.4.12

[staging]
charlie = 10.0.9.31
""",
    "deploy/steps.md": """# Deploying

1. Tag the release.
2. `docker compose pull`
3. `docker compose up -d`
4. Watch the log for ten minutes.
""",
}
COMMITS = (
    Commit(
        "Ines Faria", 3, "Services and nginx", {k: v for k, v in FIRST.items() if k != "config/limits.json"}
    ),
    Commit("Karl Weber", 11, "Limits", {"config/limits.json": FIRST["config/limits.json"]}),
)

TASKS = (
    Task(
        "beacon-find-9100",
        "find",
        "Where is port 9100 used? Name the file and the line.",
        (says("site.conf", number(9)),),
        (call("search", pattern="9100"), "In nginx/site.conf, line 9: proxy_pass http://api:9100."),
    ),
    Task(
        "beacon-find-charlie",
        "find",
        "Which file says which address the host charlie has, and what is the address?",
        (says("hosts.ini", "10.0.9.31"),),
        (call("search", pattern="charlie"), "deploy/hosts.ini: charlie is 10.0.9.31."),
    ),
    Task(
        "beacon-read-memory",
        "read",
        "Quelle est la limite de mémoire du service api ?",
        (says(("768m", "768 m", "768 mb", "768 mo", "768 mib", "768 mégaoctets", "768")),),
        (call("search", pattern="mem_limit"), "La limite du service api est de 768m (compose.yaml)."),
        language="fr",
    ),
    Task(
        "beacon-read-image",
        "read",
        "which postgres version do we run?",
        (says("16.3"),),
        (call("search", pattern="postgres"), "postgres:16.3, see compose.yaml."),
    ),
    Task(
        "beacon-count-services",
        "count",
        "How many services does compose.yaml define?",
        (says(number(5)),),
        (call("read", path="compose.yaml"), "Five: web, api, worker, db and cache."),
    ),
    Task(
        "beacon-explain-worker",
        "explain",
        "What does the worker service run, and which queues does it work on?",
        (says("beacon.worker", "checks", "mails"),),
        (
            call("read", path="compose.yaml"),
            "It runs `python -m beacon.worker` on the queues checks and mails.",
        ),
    ),
    Task(
        "beacon-explain-nginx",
        "explain",
        "Explain what nginx does with requests to /api/ in nginx/site.conf. Name the target and the timeout.",
        (says("api:9100", ("35s", "35 s", "35 seconds", "35-second", "35 second")),),
        (
            call("read", path="nginx/site.conf"),
            "They are passed to http://api:9100; the answer may take 35 seconds.",
        ),
    ),
    Task(
        "beacon-edit-interval",
        "edit",
        "Set the interval of the checks to 60 seconds in config/app.toml.",
        (sets("config/app.toml", {"checks.interval_s": 60}),),
        (call("edit", path="config/app.toml", old="interval_s = 45", new="interval_s = 60"), "It is 60 now."),
        changes=("config/app.toml",),
    ),
    Task(
        "beacon-edit-region",
        "edit",
        'add the region "gru" to the regions in config/app.toml',
        (becomes("config/app.toml", lambda data: data["checks"]["regions"].append("gru") or data),),
        (
            call("edit", path="config/app.toml", old='"sin"]', new='"sin", "gru"]'),
            "gru is the fourth region.",
        ),
        changes=("config/app.toml",),
    ),
    Task(
        "beacon-edit-burst",
        "edit",
        "Para los usuarios anónimos, pon burst a 15 en config/limits.json. Deja lo demás como está.",
        (sets("config/limits.json", {"anonymous.burst": 15}),),
        (
            call("edit", path="config/limits.json", old='30, "burst": 10', new='30, "burst": 15'),
            "Listo: burst es 15 para anonymous.",
        ),
        changes=("config/limits.json",),
        language="es",
    ),
    Task(
        "beacon-edit-env",
        "edit",
        "Remove SENTRY_DSN from .env.example, we do not use it any more.",
        (sets(".env.example", {"SENTRY_DSN": GONE}),),
        (call("edit", path=".env.example", old="SENTRY_DSN=\n", new=""), "SENTRY_DSN is gone."),
        changes=(".env.example",),
    ),
    Task(
        "beacon-create-staging",
        "create",
        'Create config/staging.toml with name = "beacon-staging" and, in a table [mail], enabled = false.',
        (parses("config/staging.toml", {"name": "beacon-staging", "mail": {"enabled": False}}),),
        (
            call(
                "write",
                path="config/staging.toml",
                content='name = "beacon-staging"\n\n[mail]\nenabled = false\n',
            ),
            "config/staging.toml is there.",
        ),
        changes=("config/staging.toml",),
    ),
    Task(
        "beacon-run-requests",
        "run",
        "Use Python to add up requests_per_minute of all entries in config/limits.json.",
        (says(number(5270)),),
        (
            call(
                "run",
                code="import json\nprint(sum(v['requests_per_minute'] "
                "for v in json.load(open('config/limits.json')).values()))",
            ),
            "They add up to 5270.",
        ),
    ),
    Task(
        "beacon-steps-upgrade",
        "steps",
        "Upgrade web, api and worker from 3.8 to 3.9 in compose.yaml.",
        (
            becomes(
                "compose.yaml",
                lambda data: (
                    [
                        data["services"][name].update(
                            image=data["services"][name]["image"].replace("3.8", "3.9")
                        )
                        for name in ("web", "api", "worker")
                    ]
                    and data
                ),
            ),
        ),
        (
            call("read", path="compose.yaml"),
            call("shell", command="sed -i 's/:3\\.8$/:3.9/' compose.yaml && grep image compose.yaml"),
            "web, api and worker are at 3.9.",
        ),
        changes=("compose.yaml",),
    ),
    Task(
        "beacon-steps-level",
        "steps",
        "Find the file that configures the log and set the level of the console handler to INFO.",
        (sets("config/logging.ini", {"handler_console.level": "INFO"}),),
        (
            call("search", pattern="handler_console"),
            call("edit", path="config/logging.ini", old="level = DEBUG", new="level = INFO"),
            "The console handler of config/logging.ini has level INFO.",
        ),
        changes=("config/logging.ini",),
    ),
)
