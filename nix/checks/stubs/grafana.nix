# services.{grafana,loki,alloy}, as far as the modules define them.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str ]);
  section = types.attrsOf atom;
  json = types.attrsOf types.anything;
  off = mkOption { type = types.bool; default = false; };
in
{
  options.services = {
    grafana = {
      enable = off;
      settings = mkOption {
        # An INI file: sections of plain values. NixOS names some of them, with these types.
        type = types.submodule {
          freeformType = types.attrsOf section;
          options.server = mkOption {
            default = { };
            type = types.submodule {
              freeformType = section;
              options = {
                protocol = mkOption { type = types.enum [ "http" "https" "h2" "socket" ]; default = "http"; };
                http_addr = mkOption { type = types.str; default = "127.0.0.1"; };
                http_port = mkOption { type = types.port; default = 3000; };
                domain = mkOption { type = types.str; default = "localhost"; };
                enforce_domain = off;
              };
            };
          };
          options.security = mkOption {
            default = { };
            type = types.submodule {
              freeformType = section;
              options = {
                admin_password = mkOption { type = types.str; default = "admin"; };
                secret_key = mkOption { type = types.str; };
                cookie_secure = off;
                cookie_samesite = mkOption { type = types.enum [ "lax" "strict" "none" "disabled" ]; default = "lax"; };
              };
            };
          };
        };
        default = { };
      };
      provision = {
        enable = off;
        datasources.settings = mkOption {
          default = null;
          type = types.nullOr (types.submodule {
            options = {
              apiVersion = mkOption { type = types.int; default = 1; };
              datasources = mkOption {
                default = [ ];
                type = types.listOf (types.submodule {
                  freeformType = json;
                  options = {
                    name = mkOption { type = types.str; };
                    type = mkOption { type = types.str; };
                    access = mkOption { type = types.enum [ "proxy" "direct" ]; default = "proxy"; };
                    uid = mkOption { type = types.nullOr types.str; default = null; };
                    url = mkOption { type = types.str; default = ""; };
                    editable = off;
                    jsonData = mkOption { type = types.nullOr types.attrs; default = null; };
                  };
                });
              };
              deleteDatasources = mkOption {
                default = [ ];
                type = types.listOf (types.submodule {
                  options = { name = mkOption { type = types.str; }; orgId = mkOption { type = types.int; }; };
                });
              };
            };
          });
        };
        dashboards.settings = mkOption {
          default = null;
          type = types.nullOr (types.submodule {
            options = {
              apiVersion = mkOption { type = types.int; default = 1; };
              providers = mkOption {
                default = [ ];
                type = types.listOf (types.submodule {
                  freeformType = json;
                  options = {
                    name = mkOption { type = types.str; default = "default"; };
                    type = mkOption { type = types.str; default = "file"; };
                    options.path = mkOption { type = types.path; };
                  };
                });
              };
            };
          });
        };
      };
    };

    loki = {
      enable = off;
      configuration = mkOption { type = json; default = { }; };
      configFile = mkOption { type = types.nullOr types.path; default = null; };
      extraFlags = mkOption { type = types.listOf types.str; default = [ ]; };
    };

    alloy = {
      enable = off;
      configPath = mkOption { type = types.path; default = "/etc/alloy"; };
      extraFlags = mkOption { type = types.listOf types.str; default = [ ]; };
    };
  };
}
