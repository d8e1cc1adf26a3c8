"""What a loaded run is put together of: `run.loading.load` chooses the parts."""
