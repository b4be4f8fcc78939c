# services.nginx, as far as the modules define it.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  off = mkOption { type = types.bool; default = false; };
  path = mkOption { type = types.nullOr types.path; default = null; };
in
{
  options.services.nginx = {
    enable = off;
    sslProtocols = mkOption { type = types.str; default = "TLSv1.2 TLSv1.3"; };
    proxyCachePath = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          enable = mkOption { type = types.bool; default = false; };
          keysZoneName = mkOption { type = types.str; default = "cache"; };
          keysZoneSize = mkOption { type = types.str; default = "10m"; };
          levels = mkOption { type = types.str; default = "1:2"; };
          useTempPath = mkOption { type = types.bool; default = false; };
          inactive = mkOption { type = types.str; default = "10m"; };
          maxSize = mkOption { type = types.str; default = "1g"; };
        };
      });
    };
    virtualHosts = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          forceSSL = off;
          onlySSL = off;
          enableACME = off;
          useACMEHost = mkOption { type = types.nullOr types.str; default = null; };
          sslCertificate = path;
          sslCertificateKey = path;
          extraConfig = mkOption { type = types.lines; default = ""; };
          locations = mkOption {
            default = { };
            type = types.attrsOf (types.submodule {
              options = {
                proxyPass = mkOption { type = types.nullOr types.str; default = null; };
                proxyWebsockets = off;
                recommendedProxySettings = off;
                alias = path;
                extraConfig = mkOption { type = types.lines; default = ""; };
              };
            });
          };
        };
      });
    };
  };
}
