# watchstander.stepCa: the internal authority (step-ca), the certificates that this host has
# from it by ACME, and how they come to those who serve them. Renewal is NixOS' own timer;
# whether what is served is what was renewed, the bot and its agent look for themselves.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.stepCa;

  file = types.strMatching "/.+";
  copies = "/var/lib/watchstander-certificates";
  deliver = name: "watchstander-certificate-${name}";
  owned = lib.filterAttrs (_: c: c.owner != null) cfg.certificates;

  certificate = { name, ... }: {
    options = {
      domain = mkOption { type = types.nonEmptyStr; default = name; defaultText = lib.literalExpression "name"; description = "The name that it is for."; };
      names = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "db.vulcan.lan" ]; description = "Other names that it is for, too."; };
      webroot = mkOption { type = types.nullOr file; default = null; example = "/var/lib/acme/acme-challenge"; description = "Where a web server shows at port 80 what proves that the name is ours. This, or `listenHTTP`."; };
      listenHTTP = mkOption { type = types.nullOr (types.strMatching ".*:[0-9]+"); default = null; example = "10.0.0.1:80"; description = "Where that is shown while it is asked for, if there is no web server."; };
      group = mkOption { type = types.nonEmptyStr; default = "acme"; description = "The group that may read it, and its key, in /var/lib/acme."; };
      owner = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "postgres";
        description = ''
          For a service that wants its key to be its own (PostgreSQL refuses another): the user who
          gets a copy, in ${copies}/NAME, at each start of `units` and each renewal.
        '';
      };
      units = mkOption { type = types.listOf (types.strMatching ".+\\.service"); default = [ ]; example = [ "postgresql.service" ]; description = "Who serves it. They are reloaded after each renewal."; };
      served = mkOption {
        type = types.listOf (types.submodule {
          options = {
            address = mkOption { type = types.strMatching ".+:[0-9]+"; example = "10.100.0.1:5432"; description = "Where it is served."; };
            protocol = mkOption { type = types.enum [ "tls" "postgres" ]; default = "tls"; description = "How TLS begins there."; };
          };
        });
        default = [ ];
        description = "Where the bot looks whether it is this one that is served, and not one that ended.";
      };
    };
  };
in
{
  imports = [ ./watchstander.nix ./watchstander-room.nix ];

  options.watchstander.stepCa = {
    enable = mkEnableOption "the internal certificate authority, for internal networks alone";
    address = mkOption { type = types.strMatching "[0-9a-fA-F.:]+"; default = "127.0.0.1"; example = "10.0.0.1"; description = "Where it listens: an internal address."; };
    port = mkOption { type = types.port; default = 8443; description = "Its port."; };
    interfaces = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "wg0" ]; description = "Internal interfaces on which the firewall lets callers through to it."; };
    names = mkOption { type = types.nonEmptyListOf types.nonEmptyStr; example = [ "ca.vulcan.lan" ]; description = "Its own names; the first is the one by which it is called."; };
    rootCertificate = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./root_ca.crt";
      description = "The root's certificate, which is public: this host trusts it, and with it what it signs. Until it is given no certificate can be renewed here.";
    };
    certificateFile = mkOption { type = file; default = "/var/lib/step-ca/certs/intermediate_ca.crt"; description = "The intermediate's certificate."; };
    rootFile = mkOption { type = file; default = "/var/lib/step-ca/certs/root_ca.crt"; description = "The root's certificate, where step-ca reads it."; };
    keyFile = mkOption { type = file; default = "/var/lib/step-ca/secrets/intermediate_ca_key"; description = "The intermediate's key, encrypted. The root's key is not on this host at all."; };
    passwordFile = mkOption { type = file; example = "/run/secrets/step-ca-intermediate"; description = "The password of that key, which systemd hands over."; };
    days = mkOption { type = types.ints.between 2 90; default = 30; description = "How long a certificate lives, in days. It is renewed when a third is left."; };
    email = mkOption { type = types.nonEmptyStr; example = "ops@example.org"; description = "Whom an account at it is for."; };
    certificates = mkOption {
      type = types.attrsOf (types.submodule certificate);
      default = { };
      example = { "db.vulcan.lan" = { webroot = "/var/lib/acme/acme-challenge"; owner = "postgres"; units = [ "postgresql.service" ]; }; };
      description = "The certificates of this host, by name.";
    };
  };

  config = mkIf cfg.enable {
    warnings = lib.optional (cfg.rootCertificate == null && cfg.certificates != { })
      "watchstander.stepCa.rootCertificate is not given: this host does not trust its own authority, and services get certificates that sign themselves.";

    assertions = [
      {
        assertion = !lib.elem cfg.address [ "0.0.0.0" "::" "*" ];
        message = "watchstander.stepCa.address is every address: the authority is for internal networks alone.";
      }
      {
        assertion = lib.all (f: !lib.hasPrefix builtins.storeDir f) [ cfg.passwordFile cfg.keyFile ];
        message = "watchstander.stepCa: a key or password lies in the store, where everybody may read it. Give its path as a string, outside of the store.";
      }
    ] ++ lib.concatLists (lib.mapAttrsToList
      (name: c: [
        {
          assertion = (c.webroot == null) != (c.listenHTTP == null);
          message = "watchstander.stepCa.certificates.\"${name}\": set webroot or listenHTTP, and not both.";
        }
        {
          assertion = c.owner == null || c.units != [ ];
          message = "watchstander.stepCa.certificates.\"${name}\".owner gets a copy, and units names nobody who takes it up.";
        }
      ])
      cfg.certificates);

    services.step-ca = {
      enable = true;
      inherit (cfg) address port;
      intermediatePasswordFile = cfg.passwordFile;
      settings = {
        root = cfg.rootFile;
        crt = cfg.certificateFile;
        key = cfg.keyFile;
        dnsNames = cfg.names;
        logger.format = "text";
        db = { type = "badgerv2"; dataSource = "/var/lib/step-ca/db"; };
        tls = { minVersion = 1.2; maxVersion = 1.3; renegotiation = false; };
        authority = {
          provisioners = [{ type = "ACME"; name = "acme"; }];
          claims = {
            minTLSCertDuration = "5m";
            defaultTLSCertDuration = "${toString (cfg.days * 24)}h";
            maxTLSCertDuration = "${toString (cfg.days * 24)}h";
          };
        };
      };
    };
    networking.firewall.interfaces = lib.genAttrs cfg.interfaces (_: { allowedTCPPorts = [ cfg.port ]; });

    security.pki.certificateFiles = lib.optional (cfg.rootCertificate != null) cfg.rootCertificate;
    security.acme = mkIf (cfg.certificates != { }) {
      acceptTerms = true; # our own
      defaults = {
        inherit (cfg) email;
        server = "https://${lib.head cfg.names}:${toString cfg.port}/acme/acme/directory";
        validMinDays = lib.max 1 (cfg.days / 3);
        renewInterval = "daily";
      };
      certs = lib.mapAttrs
        (name: c: {
          inherit (c) domain group webroot listenHTTP;
          extraDomainNames = c.names;
          # Without waiting: where this is run by the unit that the copy comes after, it would wait
          # for itself. The reload waits for the copy, which is ordered before it.
          postRun = lib.optionalString (c.owner != null) "${pkgs.systemd}/bin/systemctl --no-block start ${deliver name}.service";
          reloadServices = c.units;
        })
        cfg.certificates;
    };

    # NixOS has one that signs itself in place until there is one of ours: who serves it starts
    # in any case.
    systemd.services = lib.mapAttrs'
      # Whom it asks, and who shows the proof, are there first: the next try is a day away.
      (name: _: lib.nameValuePair "acme-order-renew-${name}" { after = [ "step-ca.service" "nginx.service" ]; })
      cfg.certificates
    // lib.mapAttrs'
      (name: c: lib.nameValuePair (deliver name) {
        description = "The certificate ${name} for those who serve it";
        wantedBy = c.units;
        before = c.units;
        wants = [ "acme-${name}.service" ];
        after = [ "acme-${name}.service" ];
        unitConfig.ConditionPathExists = "/var/lib/acme/${name}/key.pem";
        serviceConfig = import ../confined.nix // {
          Type = "oneshot";
          ExecStart = [
            "${pkgs.coreutils}/bin/install -d -m 0500 -o ${c.owner} ${copies}/${name}"
            "${pkgs.coreutils}/bin/install -m 0400 -o ${c.owner} /var/lib/acme/${name}/fullchain.pem /var/lib/acme/${name}/key.pem ${copies}/${name}/"
          ];
          StateDirectory = "watchstander-certificates";
          StateDirectoryMode = "0755";
          TimeoutStartSec = "1min";
          UMask = "0077";
          # It reads what is acme's, and gives to another user.
          CapabilityBoundingSet = [ "CAP_CHOWN" "CAP_DAC_OVERRIDE" "CAP_FOWNER" ];
          IPAddressDeny = "any";
          MemoryDenyWriteExecute = true;
          PrivateDevices = true;
          PrivateNetwork = true;
          RestrictAddressFamilies = [ "AF_UNIX" ];
        };
      })
      owned;

    services.watchstander.agent.settings = mkIf (config.services.watchstander.agent.enable && cfg.certificates != { }) {
      certificates = map (name: "/var/lib/acme/${name}/cert.pem") (lib.attrNames cfg.certificates);
    };
    services.watchstander.certificates = lib.concatLists (lib.mapAttrsToList
      (_: c: map (s: { inherit (s) address protocol; server_name = c.domain; }
        // lib.optionalAttrs (cfg.rootCertificate != null) { roots = "${cfg.rootCertificate}"; }) c.served)
      cfg.certificates);
  };
}
