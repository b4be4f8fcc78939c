# Prometheus of this host: a year, within 40 GB.
{
  watchstander.prometheus = {
    enable = true;
    retentionTime = "1y";
    retentionSize = "40GB";
  };
}
