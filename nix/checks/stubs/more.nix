# Certificates, modules of the kernel and the host's id, as far as the modules define them.
{ lib, ... }:
let inherit (lib) mkOption types; in
{
  options = {
    boot.extraModprobeConfig = mkOption { type = types.lines; default = ""; };
    security.pki.certificateFiles = mkOption { type = types.listOf types.path; default = [ ]; };
    security.acme =
      let
        of = type: default: mkOption { inherit type default; };
        common = {
          server = of (types.nullOr types.str) null;
          email = of (types.nullOr types.str) null;
          group = of types.str "acme";
          webroot = of (types.nullOr types.str) null;
          validMinDays = of types.int 30;
          renewInterval = of types.str "daily";
          reloadServices = of (types.listOf types.str) [ ];
          postRun = of types.lines "";
        };
      in
      {
        acceptTerms = of types.bool false;
        defaults = common;
        certs = of
          (types.attrsOf (types.submodule ({ name, ... }: {
            options = common // {
              domain = of types.str name;
              extraDomainNames = of (types.listOf types.str) [ ];
              listenHTTP = of (types.nullOr types.str) null;
            };
          })))
          { };
      };
    networking.hostId = mkOption { type = types.nullOr types.str; default = null; };
  };
}
