"""The moderation service over HTTP: `app.create_app(opening.open_service(settings, ...))`."""
