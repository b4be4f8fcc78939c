# watchstander.grafana: Grafana on localhost with the dashboards of ../dashboards, each with a
# fixed uid, and the data sources that they name. People reach it through a proxy with TLS.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkMerge mkOption types;
  cfg = config.watchstander.grafana;
  inherit (cfg) proxy;

  # systemd hands the secrets over: their files may be root's alone.
  credential = name: "$__file{/run/credentials/grafana.service/${name}}";
  secret = what: example: mkOption {
    type = types.strMatching "/.+";
    inherit example;
    description = "A file with ${what}, which may be root's alone. Its path alone is known here: as a string, so that Nix copies nothing.";
  };

  all = map (lib.removeSuffix ".json") (lib.filter (lib.hasSuffix ".json") (lib.attrNames (builtins.readDir ../dashboards)));
  files = lib.genAttrs cfg.dashboards (name: ../dashboards + "/${name}.json") // cfg.extraDashboards;

  source = name: type: url: more: { inherit name type url; uid = type; access = "proxy"; editable = false; } // more;
in
{
  options.watchstander.grafana = {
    enable = mkEnableOption "Grafana with the dashboards and data sources of a host";

    domain = mkOption {
      type = types.nonEmptyStr;
      example = "grafana.example.org";
      description = "The name under which people open Grafana, over TLS.";
    };
    port = mkOption {
      type = types.port;
      default = 3000;
      description = "The port on localhost. Grafana listens nowhere else.";
    };
    secretKeyFile = secret "the key by which Grafana encrypts what it keeps secret in its database" "/run/secrets/grafana/secret-key";
    adminPasswordFile = secret "the password of the account `admin`" "/run/secrets/grafana/admin-password";

    dashboards = mkOption {
      type = types.listOf (types.enum all);
      default = all;
      defaultText = lib.literalExpression "all of nix/dashboards";
      example = [ "host" "services" "backups" ];
      description = "Which of the dashboards that come with the modules are shown.";
    };
    extraDashboards = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ shop = ./shop.json; }";
      description = "Files of further dashboards, by name. A dashboard that is changed in the browser cannot be saved: it is exported, and put here.";
    };

    prometheus = mkOption {
      type = types.nonEmptyStr;
      default = "http://127.0.0.1:${toString (config.watchstander.prometheus.port or 9090)}";
      defaultText = lib.literalExpression "that of watchstander.prometheus";
      description = "Where Grafana finds Prometheus. Its data source has the uid `prometheus`.";
    };
    loki = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = if config.watchstander.logs.enable or false then "http://127.0.0.1:${toString config.watchstander.logs.port}" else null;
      defaultText = lib.literalExpression ''the address of watchstander.logs, where that is on; else null'';
      example = "http://127.0.0.1:3100";
      description = "Where Grafana finds Loki, if there is one. Its data source has the uid `loki`.";
    };
    alertmanager = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = "http://127.0.0.1:${toString (config.watchstander.alertmanager.port or 9093)}";
      defaultText = lib.literalExpression "that of watchstander.alertmanager";
      description = "Where Grafana finds Alertmanager, if there is one. Its data source has the uid `alertmanager`.";
    };

    proxy = {
      enable = mkEnableOption "a virtual host of nginx with TLS before Grafana. Where another proxy does that, leave it off and point that one to the port";
      certificate = mkOption {
        type = types.nullOr (types.strMatching "/.+");
        default = null;
        example = "/var/lib/certs/grafana.crt";
        description = "The file of the virtual host's certificate with its chain, if it does not come by ACME.";
      };
      certificateKey = mkOption {
        type = types.nullOr (types.strMatching "/.+");
        default = null;
        example = "/var/lib/certs/grafana.key";
        description = "The file of the certificate's key.";
      };
      acme = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the certificate comes by ACME, from the server that `security.acme` names (step-ca, for instance).";
      };
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = [
        {
          assertion = lib.all (path: !(lib.hasPrefix builtins.storeDir path)) [ cfg.secretKeyFile cfg.adminPasswordFile ];
          message = "watchstander.grafana: a secret lies in the store, where everybody may read it. Give its path as a string, outside of the store.";
        }
        {
          assertion = lib.intersectLists all (lib.attrNames cfg.extraDashboards) == [ ];
          message = "watchstander.grafana.extraDashboards: ${lib.concatStringsSep ", " (lib.intersectLists all (lib.attrNames cfg.extraDashboards))} is the name of a dashboard that comes with the modules. Choose another, with a uid of its own.";
        }
        {
          assertion = lib.elem "logs" cfg.dashboards -> cfg.loki != null;
          message = "watchstander.grafana.dashboards has `logs`, and watchstander.grafana.loki is null: enable watchstander.logs, give the address of another Loki, or leave that dashboard out.";
        }
      ];

      services.grafana = {
        enable = true;
        settings = {
          server = {
            protocol = "http";
            http_addr = "127.0.0.1";
            http_port = cfg.port;
            inherit (cfg) domain;
            root_url = "https://${cfg.domain}/";
          };
          security = {
            secret_key = credential "secret-key";
            admin_password = credential "admin-password";
            # The cookie travels over TLS alone: there is no other way in from elsewhere. Not
            # "strict": a link in a chat would lead to the login.
            cookie_secure = true;
            cookie_samesite = "lax";
            disable_gravatar = true;
            content_security_policy = true;
          };
          users = { allow_sign_up = false; allow_org_create = false; };
          "auth.anonymous".enabled = false;
          # Nothing is told to others, and nothing is fetched: what runs here is what was built.
          analytics = { reporting_enabled = false; check_for_updates = false; check_for_plugin_updates = false; feedback_links_enabled = false; };
          plugins.plugin_admin_enabled = false;
          snapshots.external_enabled = false;
          public_dashboards.enabled = false;
          news.news_feed_enabled = false;
          # Prometheus evaluates the rules, and Alertmanager tells: one way for alerts.
          unified_alerting.execute_alerts = false;
        };
        provision = {
          enable = true;
          datasources.settings = {
            apiVersion = 1;
            datasources =
              [ (source "Prometheus" "prometheus" cfg.prometheus { isDefault = true; jsonData = { httpMethod = "POST"; timeInterval = "30s"; manageAlerts = false; }; }) ]
              ++ lib.optional (cfg.loki != null) (source "Loki" "loki" cfg.loki { jsonData = { maxLines = 1000; manageAlerts = false; }; })
              ++ lib.optional (cfg.alertmanager != null) (source "Alertmanager" "alertmanager" cfg.alertmanager {
                jsonData = { implementation = "prometheus"; handleGrafanaManagedAlerts = false; };
              });
          };
          dashboards.settings = {
            apiVersion = 1;
            providers = [{
              name = "watchstander";
              folder = "Watchstander";
              folderUid = "watchstander";
              type = "file";
              disableDeletion = true;
              allowUiUpdates = false;
              updateIntervalSeconds = 60;
              options.path = "/etc/grafana-dashboards";
            }];
          };
        };
      };

      environment.etc = lib.mapAttrs' (name: file: lib.nameValuePair "grafana-dashboards/${name}.json" { source = file; }) files;

      systemd.services.grafana.serviceConfig = {
        LoadCredential = [ "secret-key:${cfg.secretKeyFile}" "admin-password:${cfg.adminPasswordFile}" ];
        MemoryMax = "1G";
        TimeoutStartSec = "3min";
      };
    }

    (mkIf proxy.enable {
      assertions = [
        {
          assertion = proxy.acme != (proxy.certificate != null && proxy.certificateKey != null)
            && (proxy.certificate == null) == (proxy.certificateKey == null);
          message = "watchstander.grafana.proxy: give certificate and certificateKey, or acme = true, and not both.";
        }
        {
          assertion = lib.all (v: lib.elem v [ "TLSv1.2" "TLSv1.3" ]) (lib.splitString " " config.services.nginx.sslProtocols);
          message = "watchstander.grafana.proxy: services.nginx.sslProtocols is ${config.services.nginx.sslProtocols}. Take out what is older than TLSv1.2.";
        }
      ];
      services.nginx = {
        enable = true;
        virtualHosts.${cfg.domain} = {
          # Also where ACME proves the name over port 80.
          forceSSL = true;
          enableACME = proxy.acme;
          locations."/" = {
            proxyPass = "http://127.0.0.1:${toString cfg.port}";
            proxyWebsockets = true;
            recommendedProxySettings = true;
          };
          # Whether who asks is logged in, for other locations of this host (auth_request).
          locations."= /grafana-user" = {
            proxyPass = "http://127.0.0.1:${toString cfg.port}/api/user";
            recommendedProxySettings = true;
            extraConfig = ''
              internal;
              proxy_pass_request_body off;
              proxy_set_header Content-Length "";
            '';
          };
        } // lib.optionalAttrs (!proxy.acme) { sslCertificate = proxy.certificate; sslCertificateKey = proxy.certificateKey; };
      };
    })
  ]);
}
