# watchstander.caches: answers that need not be worked out twice. nginx keeps what is the same
# for everybody, and a Nix cache gives other machines what this one has built. ZFS' own cache
# is watched and set elsewhere (`zfs arc`).
#
# It can be imported into a NixOS container as well, where nginx is in one.
{ config, lib, ... }:
let
  inherit (lib) mkIf mkMerge mkOption mkEnableOption types;
  cfg = config.watchstander.caches;
  size = types.strMatching "[1-9][0-9]*[kmg]";
  time = types.strMatching "[1-9][0-9]*[smhd]";

  proxy = {
    options = {
      locations = mkOption {
        type = types.attrsOf (types.nonEmptyListOf (types.strMatching ".*/.*"));
        default = { };
        example = { "wiki.example.org" = [ "/static/" ]; };
        description = ''
          What is kept: locations that are there, by the virtual host's name. What came with a cookie or a
          password, or was answered with a cookie, is never kept, since it is one person's.
        '';
      };
      valid = mkOption { type = time; default = "10m"; description = "How long an answer is good, where the service itself says nothing."; };
      inactive = mkOption { type = time; default = "1d"; description = "What nobody asks for within this is removed."; };
      maxSize = mkOption { type = size; default = "1g"; description = "How much room it takes."; };
      keys = mkOption { type = size; default = "10m"; description = "Memory for its keys; 1 MiB has some 8000."; };
    };
  };
  lines = name: p: ''
    proxy_cache ${name};
    proxy_cache_valid 200 301 404 ${p.valid};
    proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
    proxy_cache_background_update on;
    proxy_cache_lock on;
    proxy_cache_bypass $http_authorization $http_cookie;
    proxy_no_cache $http_authorization $http_cookie $upstream_http_set_cookie;
  '';
  places = lib.concatLists (lib.mapAttrsToList (_: p: lib.concatLists (lib.mapAttrsToList (host: map (l: "${host}${l}")) p.locations)) cfg.proxy);
in
{
  options.watchstander.caches = {
    proxy = mkOption {
      type = types.attrsOf (types.submodule proxy);
      default = { };
      description = "Caches of nginx, by name. While a service is down, what is kept is still given.";
    };
    nix = {
      enable = mkEnableOption "a cache of what this host has built, for machines of your own (nix-serve). It gives to whoever reaches it all that is in the store: listen where only they do";
      listenAddress = mkOption { type = types.nonEmptyStr; default = "127.0.0.1"; description = "Where it listens. The firewall is not opened."; };
      port = mkOption { type = types.port; default = 5005; description = "Its port."; };
      keyFile = mkOption {
        type = types.nullOr (types.strMatching "/.+");
        default = null;
        description = "A file with the key that signs what it gives (`nix-store --generate-binary-cache-key`). Without it nobody should take anything from here.";
      };
    };
  };

  config = mkMerge [
    (mkIf (cfg.proxy != { }) {
      assertions = [{
        assertion = lib.unique places == places;
        message = "watchstander.caches.proxy: one location is in two caches: ${lib.concatStringsSep ", " (lib.unique (lib.filter (p: lib.count (q: q == p) places > 1) places))}.";
      }];
      services.nginx.proxyCachePath = lib.mapAttrs
        (name: p: { enable = true; keysZoneName = name; keysZoneSize = p.keys; inherit (p) inactive maxSize; })
        cfg.proxy;
      services.nginx.virtualHosts = mkMerge (lib.concatLists (lib.mapAttrsToList
        (name: p: lib.mapAttrsToList (host: ls: { ${host}.locations = lib.genAttrs ls (_: { extraConfig = lines name p; }); }) p.locations)
        cfg.proxy));
    })
    (mkIf cfg.nix.enable {
      assertions = [{
        assertion = cfg.nix.keyFile != null;
        message = "watchstander.caches.nix needs keyFile: what is not signed nobody can tell from what somebody else put there.";
      }];
      services.nix-serve = {
        enable = true;
        bindAddress = cfg.nix.listenAddress;
        inherit (cfg.nix) port;
        secretKeyFile = cfg.nix.keyFile;
      };
    })
  ];
}
