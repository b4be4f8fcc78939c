# What the agent measures, for Prometheus.
{ watchstander.readings.enable = true; }
