# watchstander.postgresql.
{ lib, evaluate, broken, tells, pkgs, ... }:
let
  host = { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; services.watchstander.agent.enable = true; };
  of = more: evaluate [ host { watchstander.postgresql = { enable = true; } // more; } ];
  network = {
    addresses = [ "10.100.0.1" ]; interfaces = [ "wg0" ]; after = [ "wireguard-wg0.service" ];
    networks = [{ address = "10.100.0.0/24"; }];
    tls = { certificateFile = "/var/lib/acme/db/fullchain.pem"; keyFile = "/var/lib/acme/db/key.pem"; };
  };
  alone = of { };
  on = of network;
  settings = on.services.postgresql.settings;
  backups = startAt: paths: {
    watchstander.backup = {
      enable = true;
      repositories = {
        b2 = { repositoryFile = "/run/secrets/l"; passwordFile = "/run/secrets/p"; medium = "backblaze"; offsite = true; inherit startAt; };
        local = { repository = "/backup"; passwordFile = "/run/secrets/q"; medium = "disk"; startAt = "05:00"; };
      };
      datasets.some = { inherit paths; medium = "rpool"; };
    };
  };
  together = startAt: paths: evaluate [ host (backups startAt paths) { watchstander.postgresql.enable = true; } ];
  lines = config: lib.splitString "\n" config.services.postgresql.authentication;
in
{
  holds = {
    "nothing, unless it is enabled" = !(evaluate [ host ]).services.postgresql.enable && !(evaluate [ host ]).services.postgresqlBackup.enable;
    "no assertion fails" = broken alone == [ ] && broken on == [ ];
    "it is 16" = alone.services.postgresql.package == pkgs.postgresql_16;
    "alone, for this host alone" = alone.services.postgresql.settings.listen_addresses == "localhost" && alone.networking.firewall.interfaces == { };
    "in the VPN, and nowhere else" = settings.listen_addresses == "localhost,10.100.0.1" && !on.services.postgresql.enableTCPIP
      && lib.attrNames on.networking.firewall.interfaces == [ "wg0" ] && on.networking.firewall.interfaces.wg0.allowedTCPPorts == [ 5432 ] && on.systemd.services.postgresql.after == [ "wireguard-wg0.service" ];
    "TLS 1.2 and newer" = settings.ssl && settings.ssl_min_protocol_version == "TLSv1.2" && settings.ssl_key_file == "/var/lib/acme/db/key.pem";
    "over the network by TLS and without a password in the clear" = lib.elem "hostssl all all 10.100.0.0/24 scram-sha-256" (lines on)
      && lib.all (l: builtins.match ".*(trust|password|md5|ident).*" l == null) (lines on);
    "nobody over the network but by hostssl" = lib.all (l: builtins.match "host .*" l == null || lib.hasInfix " 127.0.0.1/32 " l || lib.hasInfix " ::1/128 " l) (lines on);
    "by certificate" = let by = of (network // { networks = [{ address = "10.100.0.0/24"; users = "app"; databases = "app"; method = "cert"; }]; tls = network.tls // { clientAuthority = "/etc/ca.pem"; }; }); in
      broken by == [ ] && lib.elem "hostssl app app 10.100.0.0/24 cert" (lines by) && by.services.postgresql.settings.ssl_ca_file == "/etc/ca.pem";
    "pgvector" = (of { pgvector = true; }).services.postgresql.extensions { pgvector = "vector"; } == [ "vector" ];
    "dumps every night" = alone.services.postgresqlBackup.startAt == "*-*-* 02:00:00" && alone.services.postgresqlBackup.backupAll
      && alone.services.postgresqlBackup.compression == "gzip";
    "or after it, where the host was down" = alone.systemd.timers.postgresqlBackup.timerConfig == { OnUnitInactiveSec = "25h"; Persistent = true; }
      && lib.elem "postgresql.service" alone.systemd.services.postgresqlBackup.after
      && (of { dumps.databases = [ "a" ]; }).systemd.timers.postgresqlBackup-a.timerConfig.Persistent && (of { dumps.enable = false; }).systemd.timers == { };
    "the agent looks at them" = alone.services.watchstander.agent.settings.dumps
      == [{ name = "postgresql"; files = "/var/backup/postgresql/all.sql.gz"; max_age = "26h"; min_size = "4KiB"; }];
    "each of them" = map (d: d.files) (of { dumps.databases = [ "a" "b" ]; }).services.watchstander.agent.settings.dumps
      == [ "/var/backup/postgresql/a.sql.gz" "/var/backup/postgresql/b.sql.gz" ];
    "backups wait for them" = (together "02:30" [ "/var/backup" ]).systemd.services.restic-backups-b2.after == [ "postgresqlBackup.service" ]
      && (of { dumps.databases = [ "a" ]; }).watchstander.backup.after == [ "postgresqlBackup-a.service" ];
    "together nothing fails" = broken (together "02:30" [ "/var/backup" ]) == [ ];
    "backups before the dumps" = tells "dumps.startAt is not before every backup" (together "01:00" [ "/var/backup" ]);
    "dumps that nobody backs up" = tells "dumps.location is in none" (together "02:30" [ "/home" ]);
    "without dumps nothing of them" = let off = of { dumps.enable = false; }; in
      !off.services.postgresqlBackup.enable && !(off.services.watchstander.agent.settings ? dumps) && off.watchstander.backup.after == [ ];
    "every address" = tells "is everywhere" (of (network // { addresses = [ "0.0.0.0" ]; })) && tells "is everywhere" (of (network // { addresses = [ "*" ]; }));
    "the whole net" = tells "is everywhere" (of (network // { networks = [{ address = "0.0.0.0/0"; }]; }));
    "the network without TLS" = tells "need TLS" (of (removeAttrs network [ "tls" ]));
    "a certificate without its key" = tells "are needed both" (of (network // { tls.certificateFile = "/x"; }));
    "certificates of nobody" = tells "tls.clientAuthority" (of (network // { networks = [{ address = "10.100.0.0/24"; method = "cert"; }]; }));
    "listening for nobody" = tells "lets nobody in" (of (network // { networks = [ ]; }));
  };
  refused = {
    "a method that is weak" = (of (network // { networks = [{ address = "10.100.0.0/24"; method = "trust"; }]; })).services.postgresql.authentication;
    "a line of their own in pg_hba.conf" = (of (network // { networks = [{ address = "10.100.0.0/24"; users = "all\nhost all all all trust"; }]; })).services.postgresql.authentication;
    "a key that Nix would copy" = (of (network // { tls = network.tls // { keyFile = ./postgresql.nix; }; })).services.postgresql.settings.ssl_key_file;
    "a misspelt option" = (of { adresses = [ ]; }).services.postgresql.settings;
  };
}
