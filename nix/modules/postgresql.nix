# watchstander.postgresql: PostgreSQL for this host and its VPN, with TLS and without passwords
# in the clear; its dumps, which are what is backed up, and what the agent looks for in them.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkForce mkIf mkOption types;
  cfg = config.watchstander.postgresql;
  backup = config.watchstander.backup;
  port = config.services.postgresql.settings.port;

  file = types.strMatching "/.+";
  wide = [ "*" "0.0.0.0" "::" "0.0.0.0/0" "::/0" ];
  word = types.strMatching "[A-Za-z0-9_,+-]+";
  units = if cfg.dumps.databases == [ ] then [ "postgresqlBackup.service" ] else map (d: "postgresqlBackup-${d}.service") cfg.dumps.databases;
  covered = lib.any (p: p == cfg.dumps.location || lib.hasPrefix (lib.removeSuffix "/" p + "/") cfg.dumps.location)
    (lib.concatMap (d: d.paths) (lib.attrValues backup.datasets));

  network = {
    options = {
      address = mkOption { type = types.strMatching "[0-9a-fA-F.:]+/[0-9]+"; example = "10.100.0.0/24"; description = "The network whose hosts may come."; };
      databases = mkOption { type = word; default = "all"; description = "To which databases, with commas between."; };
      users = mkOption { type = word; default = "all"; description = "As which users of the database, with commas between."; };
      method = mkOption {
        type = types.enum [ "scram-sha-256" "cert" ];
        default = "scram-sha-256";
        description = "By what they prove who they are: a password that is never sent itself, or a certificate of `tls.clientAuthority` with the user's name.";
      };
    };
  };
in
{
  imports = [ ./backup.nix ./watchstander.nix ];

  options.watchstander.postgresql = {
    enable = mkEnableOption "PostgreSQL for this host and its VPN, with TLS and dumps";
    package = mkOption {
      type = types.package;
      default = pkgs.postgresql_16;
      defaultText = lib.literalExpression "pkgs.postgresql_16";
      description = "The server. Its major version is named, since a newer one cannot read the files of an older: that is a migration, and no update.";
    };
    pgvector = mkEnableOption "the extension pgvector (then `CREATE EXTENSION vector` in each database that wants it)";
    addresses = mkOption {
      type = types.listOf (types.strMatching "[0-9a-fA-F.:*]+");
      default = [ ];
      example = [ "10.100.0.1" ];
      description = "Addresses of this host where it listens beside localhost: those in the VPN.";
    };
    interfaces = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "wg0" ]; description = "Interfaces on which the firewall lets callers through to it."; };
    after = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "wireguard-wg0.service" ]; description = "Units that bring those addresses up: where one is missing when it starts, it listens at the others alone."; };
    networks = mkOption {
      type = types.listOf (types.submodule network);
      default = [ ];
      example = [{ address = "10.100.0.0/24"; method = "cert"; }];
      description = "Who may come over the network, always by TLS.";
    };
    tls = {
      certificateFile = mkOption { type = types.nullOr file; default = null; example = "/var/lib/acme/vulcan.lan/fullchain.pem"; description = "The certificate that it serves."; };
      keyFile = mkOption { type = types.nullOr file; default = null; example = "/var/lib/acme/vulcan.lan/key.pem"; description = "Its key, which PostgreSQL's group must be able to read, and nobody else."; };
      clientAuthority = mkOption { type = types.nullOr file; default = null; description = "The authority of callers that come by certificate, as a PEM file."; };
    };
    dumps = {
      enable = mkOption { type = types.bool; default = true; description = "Whether databases are dumped every night. A copy of a running database's files is no backup."; };
      startAt = mkOption { type = types.strMatching "([01][0-9]|2[0-3]):[0-5][0-9]"; default = "02:00"; description = "When, in the host's zone; before the backups, which wait for it."; };
      databases = mkOption { type = types.listOf (types.strMatching "[A-Za-z0-9_-]+"); default = [ ]; description = "Which; all in one file (with their users), if none are named."; };
      location = mkOption { type = file; default = "/var/backup/postgresql"; description = "Where they lie. It must be in one of the backup's datasets."; };
      maxAge = mkOption { type = types.strMatching "[1-9][0-9]*[mhd]"; default = "26h"; description = "How old the newest may be."; };
      minSize = mkOption { type = types.strMatching "[1-9][0-9]*(KiB|MiB|GiB)"; default = "4KiB"; description = "How large it must be: a dump of nothing is whole, too."; };
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.any (a: lib.elem a wide) cfg.addresses && lib.all (n: !lib.elem n.address wide) cfg.networks;
        message = "watchstander.postgresql.addresses or networks is everywhere: name the addresses in the VPN, and its network.";
      }
      {
        assertion = cfg.networks == [ ] || cfg.tls.certificateFile != null;
        message = "watchstander.postgresql.networks: callers over the network need TLS. Set watchstander.postgresql.tls.certificateFile and keyFile.";
      }
      {
        assertion = (cfg.tls.certificateFile == null) == (cfg.tls.keyFile == null);
        message = "watchstander.postgresql.tls: certificateFile and keyFile are needed both, or neither.";
      }
      {
        assertion = lib.all (n: n.method != "cert") cfg.networks || cfg.tls.clientAuthority != null;
        message = "watchstander.postgresql.networks: callers by certificate need watchstander.postgresql.tls.clientAuthority.";
      }
      {
        assertion = cfg.addresses == [ ] || cfg.networks != [ ];
        message = "watchstander.postgresql.addresses: it would listen there, and watchstander.postgresql.networks lets nobody in.";
      }
      {
        assertion = backup.enable && cfg.dumps.enable -> covered;
        message = "watchstander.postgresql.dumps.location is in none of watchstander.backup.datasets: the dumps are lost with the host.";
      }
      {
        assertion = backup.enable && cfg.dumps.enable -> lib.all (r: r.startAt > cfg.dumps.startAt) (lib.attrValues backup.repositories);
        message = "watchstander.postgresql.dumps.startAt is not before every backup (watchstander.backup.repositories.NAME.startAt): they would have the dumps of the day before.";
      }
    ];

    services.postgresql = {
      enable = true;
      inherit (cfg) package;
      extensions = mkIf cfg.pgvector (ps: [ ps.pgvector ]);
      # NixOS' own for enableTCPIP is every address.
      settings = {
        listen_addresses = mkForce (lib.concatStringsSep "," ([ "localhost" ] ++ cfg.addresses));
        password_encryption = "scram-sha-256";
        ssl_min_protocol_version = "TLSv1.2";
        log_connections = true;
      } // lib.optionalAttrs (cfg.tls.certificateFile != null) {
        ssl = true;
        ssl_cert_file = cfg.tls.certificateFile;
        ssl_key_file = cfg.tls.keyFile;
      } // lib.optionalAttrs (cfg.tls.clientAuthority != null) { ssl_ca_file = cfg.tls.clientAuthority; };
      # In the place of NixOS' own, which lets callers at localhost prove themselves by MD5.
      # Who no line is for is refused.
      authentication = mkForce (lib.concatLines ([
        "local all all peer"
        "host all all 127.0.0.1/32 scram-sha-256"
        "host all all ::1/128 scram-sha-256"
      ] ++ map (n: "hostssl ${n.databases} ${n.users} ${n.address} ${n.method}") cfg.networks));
    };
    systemd.services = {
      postgresql.after = cfg.after;
    } // lib.optionalAttrs cfg.dumps.enable (lib.listToAttrs (map
      # NixOS has them need the server, and not wait for it: at a boot they would find it closed.
      (u: lib.nameValuePair (lib.removeSuffix ".service" u) { after = [ "postgresql.service" "postgresql.target" ]; })
      units));
    networking.firewall.interfaces = lib.genAttrs cfg.interfaces (_: { allowedTCPPorts = [ port ]; });

    services.postgresqlBackup = mkIf cfg.dumps.enable {
      enable = true;
      startAt = "*-*-* ${cfg.dumps.startAt}:00";
      backupAll = cfg.dumps.databases == [ ];
      inherit (cfg.dumps) databases location;
      # The agent reads them to their end by gzip's own sums.
      compression = "gzip";
    };
    # A host that was down then, for a maintenance of the night, dumps once it is up, and does not
    # back up the dumps of the day before. NixOS' own timer waits for the next night. Where the
    # clocks go forward 02:00 is not there at all, as with the backups.
    systemd.timers = mkIf cfg.dumps.enable (lib.listToAttrs (map
      (u: lib.nameValuePair (lib.removeSuffix ".service" u) { timerConfig = { OnUnitInactiveSec = "25h"; Persistent = true; }; })
      units));
    watchstander.backup.after = mkIf cfg.dumps.enable units;

    services.watchstander.agent.settings = mkIf (config.services.watchstander.agent.enable && cfg.dumps.enable) {
      dumps =
        let of = name: base: { inherit name; files = "${cfg.dumps.location}/${base}.sql.gz"; max_age = cfg.dumps.maxAge; min_size = cfg.dumps.minSize; };
        in if cfg.dumps.databases == [ ] then [ (of "postgresql" "all") ] else map (d: of "postgresql ${d}" d) cfg.dumps.databases;
    };
  };
}
