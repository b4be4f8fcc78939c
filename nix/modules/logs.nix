# watchstander.logs: Loki as a single binary, on localhost, and Alloy, which reads the journal
# into it. Labels are few and bounded; what a unit says is searched as text.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.logs;
  hours = days: "${toString (days * 24)}h";
  # Strings of Alloy's language are written as JSON's are.
  quote = builtins.toJSON;
  drop = lib.concatMapStrings (line: "  ${line}\n") [
    "stage.match {"
    "  selector            = ${quote "{level=\"debug\"}"}"
    "  action              = ${quote "drop"}"
    "  drop_counter_reason = ${quote "debug"}"
    "}"
  ];

  alloy = pkgs.writeText "watchstander-journal.alloy" ''
    // What the journal holds, with the labels by which it is found.
    loki.source.journal "journal" {
      max_age       = "12h"
      relabel_rules = loki.relabel.journal.rules
      labels        = {
        job  = "journal",
        host = ${quote cfg.host},
      }
      forward_to = [loki.process.journal.receiver]
    }

    loki.relabel "journal" {
      forward_to = []

      rule {
        source_labels = ["__journal__systemd_unit"]
        target_label  = "unit"
      }
      // Names that are made anew each time would make a stream each.
      rule {
        source_labels = ["unit"]
        regex         = "(session|run|libpod|libpod-conmon|krun|machine-qemu)-.+\\.(scope|service)"
        target_label  = "unit"
        replacement   = "$1.$2"
      }
      rule {
        source_labels = ["unit"]
        regex         = "([^@]+)@[0-9a-f][0-9a-f:._-]{3,}\\.service"
        target_label  = "unit"
        replacement   = "$1@.service"
      }
      rule {
        source_labels = ["unit"]
        regex         = "[0-9a-f]{64}(-[0-9a-f]+)?\\.(service|timer)"
        target_label  = "unit"
        replacement   = "podman-healthcheck.$2"
      }
      // Alloy says error where journalctl says err.
      rule {
        source_labels = ["__journal_priority_keyword"]
        target_label  = "level"
      }
      rule {
        source_labels = ["__journal__transport"]
        target_label  = "transport"
      }
    }

    loki.process "journal" {
    ${lib.optionalString cfg.dropDebug drop}
      // One unit in a loop must not push out what the others say. What is dropped here is
      // counted (loki_process_dropped_lines_total), and is in the journal still.
      stage.limit {
        rate          = ${toString cfg.perUnit.rate}
        burst         = ${toString cfg.perUnit.burst}
        by_label_name = "unit"
        drop          = true
      }

      forward_to = [loki.write.local.receiver]
    }

    loki.write "local" {
      endpoint {
        url = "http://127.0.0.1:${toString cfg.port}/loki/api/v1/push"
      }
    }
  '';
in
{
  imports = [ ./alerts.nix ];

  options.watchstander.logs = {
    enable = mkEnableOption "Loki, and Alloy to read the journal into it";

    host = mkOption {
      type = types.nonEmptyStr;
      default = config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      description = "What the host is called in the logs' label `host`.";
    };
    port = mkOption {
      type = types.port;
      default = 3100;
      description = "Loki's port, on localhost. Nobody logs in there: who may reach it may read every log.";
    };
    retentionDays = mkOption {
      type = types.ints.positive;
      default = 31;
      example = 90;
      description = "For how many days logs are kept. Loki knows no limit by size: what a day takes is seen in the dashboard `logs`.";
    };
    since = mkOption {
      type = types.strMatching "[0-9]{4}-[0-9]{2}-[0-9]{2}";
      default = "2025-01-01";
      description = "The day from which the index has its present form. It must lie before the first log, and is never changed afterwards.";
    };
    dropDebug = mkOption {
      type = types.bool;
      default = true;
      description = "Whether lines of the level debug stay in the journal alone.";
    };
    perUnit = {
      rate = mkOption {
        type = types.ints.positive;
        default = 200;
        description = "How many lines a second one unit may send in the long run. What is beyond that is dropped, and counted.";
      };
      burst = mkOption {
        type = types.ints.positive;
        default = 5000;
        description = "How many lines one unit may send at once, before its rate holds.";
      };
    };
    memoryMax = mkOption {
      type = types.nonEmptyStr;
      default = "2G";
      description = "The most memory that Loki may have.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.perUnit.burst >= cfg.perUnit.rate;
        message = "watchstander.logs.perUnit.burst is below its rate: nothing could ever be sent at the rate. Raise burst.";
      }
    ];

    services.loki = {
      enable = true;
      # NixOS has Loki itself look this through when it is built. Where flags are given, it does not.
      configuration = {
        auth_enabled = false;
        server = {
          http_listen_address = "127.0.0.1";
          http_listen_port = cfg.port;
          grpc_listen_address = "127.0.0.1";
          grpc_listen_port = 9096;
          log_level = "warn";
        };
        common = {
          instance_addr = "127.0.0.1";
          path_prefix = "/var/lib/loki";
          replication_factor = 1;
          ring.kvstore.store = "inmemory";
          storage.filesystem = {
            chunks_directory = "/var/lib/loki/chunks";
            rules_directory = "/var/lib/loki/rules";
          };
        };
        schema_config.configs = [{
          from = cfg.since;
          store = "tsdb";
          object_store = "filesystem";
          schema = "v13";
          index = { prefix = "index_"; period = "24h"; };
        }];
        limits_config = {
          retention_period = hours cfg.retentionDays;
          max_query_lookback = hours cfg.retentionDays;
          reject_old_samples = true;
          reject_old_samples_max_age = "168h";
          ingestion_rate_mb = 8;
          ingestion_burst_size_mb = 16;
          per_stream_rate_limit = "4MB";
          per_stream_rate_limit_burst = "16MB";
          max_global_streams_per_user = 5000;
          max_label_names_per_series = 10;
          max_line_size = "64KB";
          max_line_size_truncate = true;
          max_entries_limit_per_query = 5000;
          max_query_series = 1000;
          query_timeout = "1m";
          volume_enabled = true;
        };
        # Without this, the retention is a word: nothing is ever deleted.
        compactor = {
          working_directory = "/var/lib/loki/compactor";
          retention_enabled = true;
          retention_delete_delay = "2h";
          compaction_interval = "10m";
          delete_request_store = "filesystem";
        };
        analytics.reporting_enabled = false;
      };
    };

    services.alloy = {
      enable = true;
      extraFlags = [ "--server.http.listen-addr=127.0.0.1:12345" "--disable-reporting" ];
    };
    environment.etc."alloy/watchstander-journal.alloy".source = alloy;

    watchstander.alerts.files.logs = ../alerts/logs.yaml;
    systemd.services = {
      loki.serviceConfig = {
        MemoryMax = cfg.memoryMax;
        TimeoutStopSec = "2min"; # it writes out what it holds
        IPAddressDeny = "any";
        IPAddressAllow = "localhost";
      };
      alloy = {
        wants = [ "loki.service" ];
        after = [ "loki.service" ];
        reloadTriggers = [ alloy ];
        serviceConfig = {
          MemoryMax = "1G";
          IPAddressDeny = "any";
          IPAddressAllow = "localhost";
        };
      };
    };
  };
}
