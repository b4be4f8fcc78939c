# What the units of this host say, for a month.
{
  watchstander.logs.enable = true;
}
