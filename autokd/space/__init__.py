"""From a family to a sized student, and what it costs on a device. No torch in here."""
