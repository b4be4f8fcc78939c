# watchstander.registry: a registry of images on this host, for those that are built here, with
# a look for known holes in what lies there. Off unless it is wanted.
#
# The registry itself (distribution) takes whatever is pushed by who may push: a look finds what
# is there, and keeps nothing out. Only pinned images run (watchstander.containers).
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkIf mkMerge mkOption mkEnableOption types;
  cfg = config.watchstander.registry;
  textfiles = config.watchstander.textfile.directory;
  local = lib.any (p: lib.hasPrefix p cfg.listenAddress) [ "127." "[::1]" "localhost" ];
  tls = cfg.certificate != null && cfg.certificateKey != null;
  secret = description: mkOption { type = types.nullOr (types.strMatching "/.+"); default = null; inherit description; };
  given = name: "/run/credentials/docker-registry.service/${name}";
  address = "${cfg.listenAddress}:${toString cfg.port}";
  imageScan = import ../image-scan.nix { inherit lib pkgs textfiles; };
in
{
  imports = [ ./alerts.nix ./textfile.nix ];

  options.watchstander.registry = {
    enable = mkEnableOption "a registry of images on this host";
    listenAddress = mkOption { type = types.nonEmptyStr; default = "127.0.0.1"; description = "Another address than this host's own needs a certificate and passwords."; };
    port = mkOption { type = types.port; default = 5000; description = "Its port. The firewall is not opened."; };
    certificate = secret "A file with its certificate.";
    certificateKey = secret "A file with the certificate's key, which may be root's alone.";
    htpasswdFile = secret "A file with who may push and pull, as `htpasswd -B` writes it (bcrypt alone is taken).";
    scan = {
      enable = mkOption { type = types.bool; default = true; description = "Whether what lies there is looked through for known holes (trivy). It cannot log in: a registry with passwords must say no."; };
      startAt = mkOption { type = types.nonEmptyStr; default = "Sat 07:30"; description = "When (systemd.time(7))."; };
    };
  };

  config = mkIf cfg.enable (mkMerge [ {
    assertions = [
      {
        assertion = local || tls && cfg.htpasswdFile != null;
        message = "watchstander.registry listens on ${cfg.listenAddress}: whoever can push there decides what runs. Set certificate, certificateKey and htpasswdFile, or listen on 127.0.0.1.";
      }
      {
        assertion = (cfg.certificate == null) == (cfg.certificateKey == null);
        message = "watchstander.registry needs both of certificate and certificateKey, or none.";
      }
      {
        # It has no password of its own, and asks the address where the registry listens, which
        # no certificate is for: it would fail each week, and count nothing.
        assertion = cfg.scan.enable -> cfg.certificate == null && cfg.htpasswdFile == null;
        message = "watchstander.registry.scan can look through a registry without certificate and passwords alone: set watchstander.registry.scan.enable = false, and have watchstander.containers.scan look through what of it runs here.";
      }
    ];

    services.dockerRegistry = {
      enable = true;
      inherit (cfg) listenAddress port;
      enableDelete = true;
      enableGarbageCollect = true;
      garbageCollectDates = "weekly";
      extraConfig = lib.optionalAttrs tls { http.tls = { certificate = given "certificate"; key = given "key"; minimumtls = "tls1.2"; }; }
        // lib.optionalAttrs (cfg.htpasswdFile != null) { auth.htpasswd = { realm = "registry"; path = given "htpasswd"; }; };
    };
    systemd.services.docker-registry.serviceConfig = import ../confined.nix // {
      LoadCredential = lib.optionals tls [ "certificate:${cfg.certificate}" "key:${cfg.certificateKey}" ]
        ++ lib.optional (cfg.htpasswdFile != null) "htpasswd:${cfg.htpasswdFile}";
      ReadWritePaths = [ "/var/lib/docker-registry" ];
      MemoryMax = "1G";
      TasksMax = 256;
      CapabilityBoundingSet = lib.optional (cfg.port < 1024) "CAP_NET_BIND_SERVICE";
      PrivateDevices = true;
      RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
      SystemCallFilter = [ "@system-service" "~@privileged" ];
    };
  } (mkIf cfg.scan.enable (imageScan {
    name = "watchstander-registry-scan";
    description = "Look for known holes in the images of the registry";
    inherit (cfg.scan) startAt;
    after = [ "docker-registry.service" ];
    from = "registry ${address}";
    figures = "registry.prom";
    service = {
      CapabilityBoundingSet = "";
      PrivateDevices = true;
      RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
      SystemCallFilter = [ "@system-service" ];
    };
  })) ]);
}
