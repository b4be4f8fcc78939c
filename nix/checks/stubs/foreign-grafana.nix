# services.nginx and Prometheus' targets, as far as the modules define them.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  off = mkOption { type = types.bool; default = false; };
  path = mkOption { type = types.nullOr types.path; default = null; };
in
{
  options.services.prometheus.scrapeConfigs = mkOption { type = types.listOf (types.attrsOf types.anything); default = [ ]; };
  options.services.nginx = {
    enable = off;
    sslProtocols = mkOption { type = types.str; default = "TLSv1.2 TLSv1.3"; };
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
